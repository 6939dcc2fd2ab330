// Says early that a file is too large, and that an upload is on its way. The form works without it.

function prepare(form) {
  const file = form.querySelector("input[type=file]");
  const button = form.querySelector("button");
  const state = form.querySelector("[role=status]");

  file.addEventListener("change", () => {
    const isTooLarge = file.files.length > 0 && file.files[0].size > Number(form.dataset.largest);
    file.setCustomValidity(isTooLarge ? form.dataset.tooLarge : "");
    file.reportValidity();
  });

  form.addEventListener("submit", () => {
    button.disabled = true;
    state.textContent = "The file is on its way. Please leave this page open.";
  });

  // The way back in the browser's history brings the form as it was left.
  window.addEventListener("pageshow", () => {
    button.disabled = false;
    state.textContent = "";
  });
}

document.querySelectorAll("form[data-largest]").forEach(prepare);
document.querySelector("#errors")?.focus();
