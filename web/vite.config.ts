import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const TEXT = /\.(html|js|css|svg|txt|json|webmanifest)$/;
const FIRST_LOAD_LIMIT_BYTES = 300 * 1024;

/** Writes `x.gz` beside every text file, so that the server never compresses; fails when the first load grows too big. */
function precompress(): Plugin {
  let outDir = "dist";
  return {
    name: "spoor-precompress",
    apply: "build",
    configResolved(config) {
      outDir = config.build.outDir;
    },
    closeBundle() {
      let total = 0;
      const visit = (dir: string): void => {
        for (const entry of readdirSync(dir)) {
          const path = join(dir, entry);
          if (statSync(path).isDirectory()) visit(path);
          else if (TEXT.test(entry)) {
            const packed = gzipSync(readFileSync(path), { level: constants.Z_BEST_COMPRESSION });
            total += packed.length;
            writeFileSync(`${path}.gz`, packed);
          }
        }
      };
      visit(outDir);
      console.log(`first load: ${(total / 1024).toFixed(1)} KiB gzip`);
      if (total > FIRST_LOAD_LIMIT_BYTES) throw new Error(`the UI is ${total} bytes gzip, more than ${FIRST_LOAD_LIMIT_BYTES}`);
    },
  };
}

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
  server: { proxy: { "/api": api } },
  preview: { proxy: { "/api": api } },
  test: { include: ["app/**/*.test.ts"], environment: "node" },
} as Parameters<typeof defineConfig>[0]);
