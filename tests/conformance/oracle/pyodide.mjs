// The batch protocol of batch.py on the CPython in the npm package pyodide:
//
//     node pyodide.mjs DIRECTORY_WITH_NODE_MODULES [--fifo] [--rank] [--noiter]
//
// That CPython is compiled to WebAssembly, C accelerator of asyncio and all.  It is the same asyncio as on
// any other platform, as the oracle has a loop of its own and never touches the operating system's.  The
// pipes are node's affair: read through pyodide's standard input, they now and then cost a sleep of 100 ms.

import { once } from "node:events";
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [directory, ...argv] = process.argv.slice(2);
const module = pathToFileURL(resolve(directory, "node_modules/pyodide/pyodide.mjs"));
const { loadPyodide } = await import(module);

const python = await loadPyodide({ env: { HOME: "/", PYTHONDONTWRITEBYTECODE: "1" } });
python.mountNodeFS("/oracle", dirname(fileURLToPath(import.meta.url)));
python.globals.set("argv", python.toPy(argv));
const feed = python.runPython(`
import sys
sys.path.insert(0, "/oracle")
import batch, oracle
arguments = oracle.parse_arguments(["batch", *argv])
server = batch.Server(oracle.prepare(arguments))
lambda data: server.feed(data.to_bytes())
`);

for await (const data of process.stdin) {
    const answers = feed(new Uint8Array(data));
    if (!process.stdout.write(answers.toJs())) await once(process.stdout, "drain");
    answers.destroy();
}
