import "./styles/main.css";
import { render } from "preact";
import { follow } from "./api/live";
import { begin } from "./api/session";
import { Shell } from "./shell";

void begin().then(follow);
render(<Shell />, document.getElementById("app")!);
