// The resolve hook of resolver.cjs for module.register, on its own thread.
import { fallbacks, mayBeElsewhere } from "./resolver.cjs";

let dirs = [];

export function initialize(data) {
  dirs = data;
}

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (!mayBeElsewhere(error, specifier)) {
      throw error;
    }
    for (const attempt of fallbacks(specifier, context, dirs, next)) {
      try {
        return await attempt();
      } catch {
        // the next directory may have it
      }
    }
    throw error;
  }
}
