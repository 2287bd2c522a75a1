/** A logger that says nothing: the simulation keeps its own notes. */
import type { Logger } from "../../../src/infra/logger.ts";

const nothing = (): void => undefined;
export const silent = { error: nothing, info: nothing, warn: nothing } as unknown as Logger;
