import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const TEXT = /\.(html|js|css|svg|txt|json|webmanifest)$/;
const FIRST_LOAD_LIMIT_BYTES = 300 * 1024;

interface Chunk {
  fileName: string;
  type: "chunk" | "asset";
  isEntry?: boolean;
  imports?: string[];
  viteMetadata?: { importedCss: Set<string> };
}

/** What a browser loads before it shows anything: the page, its entry, what that imports, and their styles. */
function firstLoad(bundle: Record<string, Chunk>): Set<string> {
  const files = new Set(["index.html", "theme.js", "favicon.svg"]);
  const visit = (name: string): void => {
    const chunk = bundle[name];
    if (!chunk || files.has(name)) return;
    files.add(name);
    for (const style of chunk.viteMetadata?.importedCss ?? []) files.add(style);
    for (const next of chunk.imports ?? []) visit(next);
  };
  for (const chunk of Object.values(bundle)) if (chunk.isEntry) visit(chunk.fileName);
  return files;
}

/** Writes `x.gz` beside every text file, so that the server never compresses; fails when the first load grows too big. */
function precompress(): Plugin {
  let outDir = "dist";
  let first = new Set<string>();
  return {
    name: "spoor-precompress",
    apply: "build",
    configResolved(config) {
      outDir = config.build.outDir;
    },
    writeBundle(_options, bundle) {
      first = firstLoad(bundle as unknown as Record<string, Chunk>);
    },
    closeBundle() {
      let atFirst = 0;
      let later = 0;
      const visit = (folder: string): void => {
        for (const entry of readdirSync(join(outDir, folder))) {
          const name = join(folder, entry);
          const path = join(outDir, name);
          if (statSync(path).isDirectory()) visit(name);
          else if (TEXT.test(entry)) {
            const packed = gzipSync(readFileSync(path), { level: constants.Z_BEST_COMPRESSION });
            if (first.has(name)) atFirst += packed.length;
            else later += packed.length;
            writeFileSync(`${path}.gz`, packed);
          }
        }
      };
      visit("");
      console.log(`first load: ${(atFirst / 1024).toFixed(1)} KiB gzip, later: ${(later / 1024).toFixed(1)} KiB`);
      if (atFirst > FIRST_LOAD_LIMIT_BYTES) throw new Error(`the UI's first load is ${atFirst} bytes gzip, more than ${FIRST_LOAD_LIMIT_BYTES}`);
    },
  };
}

// The policy of src/headers.rs, so that `npm run preview` breaks where the binary would.
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";
const api = process.env["SPOOR_API"] ?? "http://127.0.0.1:4320";

export default defineConfig({
  plugins: [precompress()],
  build: {
    target: "es2022",
    // The content security policy forbids data: URLs and inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": api, "/jaeger": api, "/metrics": api } },
  preview: { headers: { "content-security-policy": POLICY }, proxy: { "/api": api, "/jaeger": api, "/metrics": api } },
  test: { include: ["app/**/*.test.ts"], environment: "node", css: true },
} as Parameters<typeof defineConfig>[0]);
