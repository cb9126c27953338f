// Prints what a Node interpreter is, as one JSON object. Runs on Node 10 and later.
"use strict";
const fs = require("fs");
const path = require("path");

const prefix = path.dirname(path.dirname(process.execPath));
const dirs = (process.env.NODE_PATH || "").split(path.delimiter).concat(
  path.join(prefix, "lib", "node_modules"),
  process.env.NPM_CONFIG_PREFIX ? path.join(process.env.NPM_CONFIG_PREFIX, "lib", "node_modules") : "",
  "/usr/local/lib/node_modules",
  "/usr/lib/node_modules",
  "/usr/share/nodejs"
);
const packages = dirs.filter(
  (dir, i) => path.isAbsolute(dir) && dirs.indexOf(dir) === i && fs.existsSync(dir)
);
process.stdout.write(
  JSON.stringify({
    version: process.version.slice(1),
    executable: process.execPath,
    prefix,
    basePrefix: prefix,
    libraries: [],
    packages,
    userBase: "",
    userPackages: "",
    flags: ["--experimental-require-module", "--experimental-detect-module"].filter((flag) =>
      process.allowedNodeEnvironmentFlags.has(flag)
    ),
  })
);
