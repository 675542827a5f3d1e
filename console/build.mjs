// Builds the console into the package of the function that serves it: names with the digest of their content, and each
// file compressed twice, because a function would have to do it again in each of its processes.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const into = here("../functions/system/console");

const { outputFiles } = await build({
  entryPoints: [here("src/app.tsx"), here("src/app.css")],
  outdir: into,
  bundle: true,
  minify: true,
  write: false,
  format: "esm",
  target: ["chrome123", "firefox121", "safari17.5"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "inline",
  logLevel: "warning",
});

const files = { "icon.svg": readFileSync(here("icon.svg")) };
for (const file of outputFiles) files[file.path.slice(into.length + 1)] = Buffer.from(file.contents);

rmSync(into, { recursive: true, force: true });
mkdirSync(into);
let page = readFileSync(here("index.html"), "utf8");
for (const [name, content] of Object.entries(files)) {
  const digest = createHash("sha256").update(content).digest("hex").slice(0, 16);
  const named = name.replace(/\.(?=\w+$)/, `-${digest}.`);
  const zipped = gzipSync(content, { level: 9 });
  writeFileSync(`${into}/${named}.gz`, zipped);
  writeFileSync(`${into}/${named}.br`, brotliCompressSync(content));
  page = page.replace(`{{${name}}}`, named);
  console.log(`  ${named}  ${content.length} bytes, ${zipped.length} with gzip`);
}
writeFileSync(`${into}/index.html`, page);
