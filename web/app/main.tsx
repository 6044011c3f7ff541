import { render } from "preact";
import { App } from "./app";
import { interceptLinks, navigate } from "./lib/router";
import { startOf } from "./lib/saved";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/frame.css";
import "./styles/search.css";
import "./styles/marks.css";
import "./styles/charts.css";
import "./styles/logs.css";
import "./styles/body.css";
import "./styles/facets.css";
import "./styles/live.css";
import "./styles/panel.css";
import "./styles/traces.css";
import "./styles/trace.css";
import "./styles/waterfall.css";
import "./styles/compare.css";
import "./styles/services.css";
import "./styles/pages.css";
import "./styles/sql.css";
import "./styles/map.css";
import "./styles/kin.css";
import "./styles/result.css";
import "./styles/groups.css";
import "./styles/phone.css";
import "./styles/touch.css";

interceptLinks();
// Before there is a page: with its address it would be made anew, and with it the field that somebody types into.
if (window.location.pathname === "/") navigate(`/logs${window.location.search}`, "replace");
// Who opens a page with nothing in its address begins where they chose to.
if (window.location.search === "") {
  const start = startOf(window.location.pathname, { start: null, end: null });
  if (start.includes("?")) navigate(start, "replace");
}
const root = document.getElementById("app");
if (root) render(<App />, root);
