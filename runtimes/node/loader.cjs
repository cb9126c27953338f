// Finding the function that _HANDLER names.
"use strict";
const fs = require("fs");
const path = require("path");
const { createRequire } = require("module");
const { pathToFileURL } = require("url");
const nodePath = require("./nodepath.cjs");
const { HandlerNotFound, ImportModuleError, MalformedHandlerName, UserCodeSyntaxError } = require("./errors.cjs");

// Function code is required by a name that is AWS's entry point: it shows in
// the "Require stack" of a module that is not found.
const requireUser = createRequire(path.join(__dirname, "index.mjs"));

// Returns the handler. Throws errors with AWS's names where AWS has one for
// what is wrong, and whatever the module throws when it runs.
async function load(root, handler, release) {
  if (handler.includes("..")) {
    throw new MalformedHandlerName(
      "'" + handler + "' is not a valid handler name. Use absolute paths when specifying root directories in handler names."
    );
  }
  const base = path.basename(handler);
  const dot = base.indexOf(".");
  if (dot < 0) {
    throw new MalformedHandlerName("Bad handler");
  }
  const directory = handler.slice(0, handler.indexOf(base));
  const module = await loadModule(root, directory, base.slice(0, dot), release);
  const names = base.slice(dot + 1).split(".");
  let found = resolve(module, names);
  if (!found && release >= 24 && module) {
    found = resolve(module.default, names);
  }
  if (!found) {
    throw new HandlerNotFound(handler + " is undefined or not exported");
  }
  if (typeof found !== "function") {
    throw new HandlerNotFound(handler + " is not a function");
  }
  return found;
}

function resolve(module, names) {
  return names.reduce((value, name) => value && value[name], module);
}

async function loadModule(root, directory, name, release) {
  try {
    return await findModule(root, directory, name, release);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new UserCodeSyntaxError(error);
    }
    if (error && error.code === "MODULE_NOT_FOUND") {
      throw new ImportModuleError(error);
    }
    throw error;
  }
}

async function findModule(root, directory, name, release) {
  const file = path.resolve(root, directory, name);
  const esm = isModulePackage(path.dirname(file));
  const order = [
    ["", false],
    [".js", esm],
    [".mjs", true],
    [".cjs", false],
  ];
  if (release >= 24) {
    order.push([".ts", esm], [".mts", true], [".cts", false]);
  }
  for (const [extension, asModule] of order) {
    const candidate = file + extension;
    if (fs.existsSync(candidate)) {
      return asModule ? await importUser(candidate) : requireUser(candidate);
    }
  }
  return requireUser(requireUser.resolve(name, { paths: [root, path.resolve(root, directory)] }));
}

// Whether .js files in a directory are ES modules: what the nearest
// package.json says, up to a node_modules directory.
function isModulePackage(directory) {
  for (;;) {
    if (path.basename(directory) === "node_modules") {
      return false;
    }
    const manifest = path.join(directory, "package.json");
    if (fs.existsSync(manifest)) {
      try {
        return JSON.parse(fs.readFileSync(manifest, "utf8")).type === "module";
      } catch (error) {
        console.warn(manifest + " cannot be read, it will be ignored for ES module detection purposes.", error);
        return false;
      }
    }
    const parent = path.dirname(directory);
    if (parent === directory) {
      return false;
    }
    directory = parent;
  }
}

function importUser(file) {
  nodePath.follow();
  return import(pathToFileURL(file).href);
}

module.exports = { load };
