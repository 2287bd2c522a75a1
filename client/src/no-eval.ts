/**
 * Tells the schema library that code is not made from text here: the page's CSP forbids it (docs/SECURITY.md), and the
 * library's asking alone counts as an attempt. Owns: that one switch. To be imported before anything that has schemas.
 */
import { config } from "zod";

config({ jitless: true });
