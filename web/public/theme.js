// Runs before the first paint, so that a chosen theme does not flash. A file of its own because the
// content security policy forbids inline script.
try {
  var theme = localStorage.getItem("spoor.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch (_) {
  // Storage may be forbidden; the system's theme is a fine answer then.
}
