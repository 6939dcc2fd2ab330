// Keeps the progress of a submission up to date. Without this script the page has a link for it.

const MOST_FAILURES = 20;
const LONGEST_WAIT = 60;

function start(place) {
  const word = document.querySelector("[data-live-word]");
  const seconds = Number(place.dataset.liveSeconds);
  let failures = 0;

  function later() {
    const wait = Math.min(seconds * 2 ** failures, LONGEST_WAIT);
    setTimeout(refresh, wait * 1000);
  }

  // Says a new state once; the rest of the page changes silently.
  function show(progress) {
    const before = place.querySelector(".progress").dataset.summary;
    const opened = [...place.querySelectorAll("details")].map((each) => each.open);
    place.replaceChildren(progress);
    place.querySelectorAll("details").forEach((each, n) => {
      each.open = opened[n] ?? false;
    });
    if (progress.dataset.summary !== before) {
      word.textContent = progress.dataset.summary;
    }
  }

  async function refresh() {
    if (document.hidden || place.contains(document.activeElement)) {
      later();
      return;
    }
    try {
      const answer = await fetch(place.dataset.live, { redirect: "error" });
      if (!answer.ok) {
        throw new Error(String(answer.status));
      }
      const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
      const progress = parsed.querySelector(".progress");
      show(progress);
      failures = 0;
      if (progress.dataset.settled === "true") {
        return;
      }
    } catch {
      failures += 1;
      if (failures > MOST_FAILURES) {
        return;
      }
    }
    later();
  }

  later();
}

document.querySelectorAll("[data-live]").forEach(start);
