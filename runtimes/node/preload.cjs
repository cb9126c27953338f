// Required by Node itself, before it imports what --import of NODE_OPTIONS
// names: a package there may be in a layer.
"use strict";
if (/(^|\s)"?--(import|loader|experimental-loader)\b/.test(process.env.NODE_OPTIONS || "")) {
  require("./nodepath.cjs").follow();
}
