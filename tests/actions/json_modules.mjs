// A module hook: the parser's published files import JSON without an import attribute, which Node refuses.
import {readFileSync} from "node:fs";
import {fileURLToPath} from "node:url";

export function load(url, context, next) {
  if (!url.endsWith(".json")) return next(url, context);
  const source = `export default ${readFileSync(fileURLToPath(url), "utf8")}`;
  return {format: "module", shortCircuit: true, source};
}
