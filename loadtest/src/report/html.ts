/** The report as one page that needs nothing else. */
import type { ReportDocument } from "./document.ts";

export const htmlOf = (document: ReportDocument): string =>
  `<!doctype html><title>${document.scenario}</title>\n`;
