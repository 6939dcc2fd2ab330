// npm's oidc-provider on a free loopback port, for the tests; tests/support/providers/oidc_provider.py runs it.
//
// One JSON object a line: the first on stdin are the settings {users, client}, every further one is an
// order, {"do": NAME, ...}. Each is answered by one line on stdout. The end of stdin ends the server.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import Provider, { interactionPolicy } from 'oidc-provider';

import { Store } from './store.mjs';

const ORDINARY = 'https://refeds.org/profile/sfa';
const MFA = 'https://refeds.org/profile/mfa';
// What the client asks by itself, without the browser: these are what "break_back_channel" breaks.
const DIRECT = ['/token', '/me', '/jwks', '/.well-known/openid-configuration'];

const PROFILE = ['name', 'preferred_username'];
const AFFILIATION = ['eduperson_scoped_affiliation', 'eduperson_entitlement', 'eduperson_unique_id'];

const server = createServer((request, response) => {
  if (state.broken && DIRECT.includes(new URL(request.url, state.issuer).pathname)) {
    response.writeHead(503).end();
    return;
  }
  state.answer(request, response);
});
const store = new Store();
const state = { broken: false, deliveries: [], keys: [newKey()] };

class LoginService extends Provider {
  // The login page itself knows no strengths: whoever may use a second factor does when it is asked for.
  async interactionFinished(request, response, result, options) {
    if (result.login) {
      const { params } = await this.interactionDetails(request, response);
      result.login.acr = strength(asked(params), state.users[result.login.accountId]);
    }
    return super.interactionFinished(request, response, result, options);
  }
}

function asked(params) {
  return params.acr_values?.split(' ') ?? [];
}

function strength(wishes, user) {
  return wishes.includes(MFA) && user?.mfa ? MFA : ORDINARY;
}

function policy() {
  const prompts = interactionPolicy.base();
  const stronger = (ctx) => {
    const wishes = asked(ctx.oidc.params);
    const tried = Boolean(ctx.oidc.result?.login);
    return wishes.length > 0 && !wishes.includes(ctx.oidc.acr) && !tried;
  };
  prompts.get('login').checks.add(
    new interactionPolicy.Check('acr_values', 'a stronger login is asked for', stronger),
  );
  return prompts;
}

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
}

function newProvider() {
  const provider = new LoginService(state.issuer, {
    acrValues: [ORDINARY, MFA],
    adapter: store.adapter,
    claims: {
      openid: ['sub'],
      profile: [...PROFILE, ...AFFILIATION],
      email: ['email', 'email_verified'],
      ...Object.fromEntries(AFFILIATION.map((name) => [name, [name]])),
    },
    clients: [state.client],
    cookies: { keys: ['only for tests'] },
    features: {
      backchannelLogout: { enabled: true },
      claimsParameter: { enabled: true },
      devInteractions: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    // Without the dispatcher, which would refuse to talk to loopback.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    findAccount: (ctx, id) => account(id),
    interactions: { policy: policy() },
    jwks: { keys: state.keys },
    pkce: { required: () => true },
    ttl: { Session: 3600, Grant: 3600, Interaction: 600, IdToken: 600, AccessToken: 600 },
  });
  provider.on('backchannel.success', (ctx, client, id, sid) => {
    state.deliveries.push({ sub: id, sid, error: null });
  });
  provider.on('backchannel.error', (ctx, error, client, id, sid) => {
    state.deliveries.push({ sub: id, sid, error: error.message });
  });
  return provider;
}

function account(id) {
  const user = Object.hasOwn(state.users, id) ? state.users[id] : undefined;
  return user && { accountId: id, claims: () => ({ sub: id, ...user.claims }) };
}

// Everything that is configured once is renewed; logins, codes and tokens stay.
function renew() {
  state.answer = newProvider().callback();
  return {};
}

const orders = {
  register: ({ client }) => {
    state.client = client;
    return renew();
  },
  rotate_keys: ({ keep_old: keepOld }) => {
    state.keys = [newKey(), ...(keepOld ? state.keys : [])];
    return renew();
  },
  break_back_channel: () => Object.assign(state, { broken: true }) && {},
  mend_back_channel: () => Object.assign(state, { broken: false }) && {},
  deliveries: () => ({ deliveries: state.deliveries }),
};

async function start(settings) {
  Object.assign(state, settings);
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  state.issuer = `http://localhost:${server.address().port}`;
  renew();
  return { issuer: state.issuer };
}

// The provider's own notices go to stdout otherwise, among the answers.
console.info = console.error;

let started = false;
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  const answer = started ? orders[order.do](order) : await start(order);
  started = true;
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit();
