// What the provider remembers: in memory, and shared by the providers that follow one another.

export class Store {
  #entries = new Map();

  adapter = (model) => new Adapter(model, this.#entries);
}

class Adapter {
  constructor(model, entries) {
    this.model = model;
    this.entries = entries;
  }

  async upsert(id, payload) {
    this.entries.set(`${this.model}:${id}`, payload);
  }

  async find(id) {
    return this.entries.get(`${this.model}:${id}`);
  }

  async findByUid(uid) {
    return this.#first((payload) => payload.uid === uid);
  }

  async findByUserCode(userCode) {
    return this.#first((payload) => payload.userCode === userCode);
  }

  async consume(id) {
    (await this.find(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    this.entries.delete(`${this.model}:${id}`);
  }

  async revokeByGrantId(grantId) {
    for (const [key, payload] of this.entries) {
      if (payload.grantId === grantId) this.entries.delete(key);
    }
  }

  #first(fits) {
    for (const [key, payload] of this.entries) {
      if (key.startsWith(`${this.model}:`) && fits(payload)) return payload;
    }
    return undefined;
  }
}
