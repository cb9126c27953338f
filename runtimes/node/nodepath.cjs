// Import through NODE_PATH. On AWS, import finds packages there as require does,
// which is how ES modules reach the AWS SDK and layers. Node itself does not do
// that, so where NODE_PATH leads to packages a resolver is installed.
"use strict";
const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");

let followed = false;

function follow() {
  const dirs = (process.env.NODE_PATH || "").split(path.delimiter).filter(hasPackages);
  if (followed || dirs.length === 0) {
    return;
  }
  followed = true;
  const module = require("module");
  if (module.registerHooks) {
    const { resolver } = require("./resolver.cjs");
    module.registerHooks({ resolve: resolver(dirs) });
  } else if (module.register) {
    module.register("./resolve.mjs", pathToFileURL(__filename), { data: dirs });
  }
}

function hasPackages(directory) {
  if (!path.isAbsolute(directory)) {
    return false;
  }
  const own = [__dirname, process.env.LAMBDA_TASK_ROOT];
  try {
    return (
      !own.includes(directory) &&
      fs.readdirSync(directory).some((name) => name !== "npm" && name !== "corepack" && !name.startsWith("."))
    );
  } catch {
    return false;
  }
}

module.exports = { follow };
