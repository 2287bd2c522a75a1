/**
 * OpenAPI 3.1 made from the same schemas that validate. Owns: the document and its readable page.
 * Does not own: any schema.
 */
import { ERRORS } from "@meme-rounds/shared-schema/errors";
import { problemSchema } from "@meme-rounds/shared-schema/rest";
import { z } from "zod";
import type { Route } from "./http.ts";

type Json = Record<string, unknown>;

const jsonSchema = (schema: z.ZodType, io: "input" | "output"): Json => {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
};

function parameters(schema: z.ZodType | undefined, place: "query" | "path"): Json[] {
  if (schema === undefined) return [];
  const object = jsonSchema(schema, "input") as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(object.properties ?? {}).map(([name, value]) => ({
    name,
    in: place,
    required: place === "path" || (object.required ?? []).includes(name),
    schema: value,
  }));
}

function operation(route: Route): Json {
  const byStatus = new Map<number, string[]>();
  for (const code of route.errors) {
    const status = ERRORS[code].status;
    byStatus.set(status, [...(byStatus.get(status) ?? []), `${code}: ${ERRORS[code].sentence}`]);
  }
  const problems = [...byStatus].map(([status, lines]) => [
    String(status),
    {
      description: lines.join(" "),
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    },
  ]);
  const multipart = {
    type: "object",
    properties: { file: { type: "string", format: "binary" }, title: { type: "string" } },
    required: ["file", "title"],
  };
  const content = route.multipart
    ? { "multipart/form-data": { schema: multipart } }
    : route.body && { "application/json": { schema: jsonSchema(route.body, "input") } };
  return {
    summary: route.summary,
    ...(route.auth === "none" ? {} : { security: [{ accessToken: [] }] }),
    parameters: [...parameters(route.params, "path"), ...parameters(route.query, "query")],
    ...(content ? { requestBody: { required: true, content } } : {}),
    responses: {
      [String(route.status ?? 200)]: {
        description: "The answer.",
        content: { [route.produces ?? "application/json"]: { schema: jsonSchema(route.answer, "output") } },
      },
      ...Object.fromEntries(problems),
    },
  };
}

/** The whole document, for GET /api/openapi.json. */
export function openApiOf(routes: readonly Route[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = `/api${route.path.replaceAll(/:(\w+)/g, "{$1}")}`;
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Meme Rounds",
      version: "0.1.0",
      description: "A live game paid out on the BSV blockchain.",
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: { Problem: jsonSchema(problemSchema, "output") },
      securitySchemes: { accessToken: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
  };
}

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** The page's only style; its CSP knows it by hash. */
export const DOCS_STYLE = `body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem;
background:#0d0f0e;color:#e8ece9}code,pre{font-family:ui-monospace,monospace}pre{overflow:auto;background:#161a18;
padding:1rem;border-radius:.5rem}summary{cursor:pointer;padding:.4rem 0}a{color:#c6ff3d}`;

/** A page a person can read, for GET /api/docs: no script, no foreign host. */
export function docsPage(routes: readonly Route[]): string {
  const rows = routes.map(
    (route) =>
      `<details><summary><code>${route.method.toUpperCase()} /api${escapeHtml(route.path)}</code> ` +
      `${escapeHtml(route.summary)}${route.auth === "none" ? "" : " · signed in"}</summary>` +
      `<pre>${escapeHtml(JSON.stringify(operation(route), null, 2))}</pre></details>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Meme Rounds API</title><style>${DOCS_STYLE}</style>
<h1>Meme Rounds API</h1><p>The machine-readable form is <a href="/api/openapi.json">/api/openapi.json</a>; every
error code is at <a href="/api/errors">/api/errors</a>.</p>${rows.join("\n")}</html>`;
}
