// Resolution of import specifiers through the directories of NODE_PATH.
"use strict";
const path = require("path");
const { createRequire } = require("module");
const { pathToFileURL } = require("url");

function isBare(specifier) {
  return !/^([./]|[a-z][a-z0-9+.-]*:|#)/i.test(specifier);
}

// Where Node would look from to find packages in a directory. A directory
// that is not called node_modules is only reached as require does.
function vantage(directory) {
  return path.basename(directory) === "node_modules" ? path.join(path.dirname(directory), "-") : null;
}

function locate(specifier, directory) {
  const url = createRequire(path.join(directory, "-")).resolve(path.join(directory, specifier));
  return { url: pathToFileURL(url).href, shortCircuit: true };
}

// Yields what to try after Node's own resolution has failed.
function* fallbacks(specifier, context, dirs, next) {
  for (const directory of dirs) {
    const from = vantage(directory);
    yield from === null
      ? () => locate(specifier, directory)
      : () => next(specifier, { ...context, parentURL: pathToFileURL(from).href });
  }
}

function mayBeElsewhere(error, specifier) {
  return (error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND") && isBare(specifier);
}

// Returns a resolve hook for module.registerHooks.
function resolver(dirs) {
  return (specifier, context, next) => {
    try {
      return next(specifier, context);
    } catch (error) {
      if (!mayBeElsewhere(error, specifier)) {
        throw error;
      }
      for (const attempt of fallbacks(specifier, context, dirs, next)) {
        try {
          return attempt();
        } catch {
          // the next directory may have it
        }
      }
      throw error;
    }
  };
}

module.exports = { resolver, fallbacks, mayBeElsewhere };
