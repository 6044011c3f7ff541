import { render } from "preact";
import { App } from "./app";
import { interceptLinks } from "./lib/router";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/frame.css";
import "./styles/logs.css";
import "./styles/panel.css";
import "./styles/traces.css";
import "./styles/trace.css";
import "./styles/compare.css";
import "./styles/services.css";
import "./styles/pages.css";
import "./styles/phone.css";

interceptLinks();
const root = document.getElementById("app");
if (root) render(<App />, root);
