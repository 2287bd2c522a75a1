/**
 * deploy/kubernetes against the code: well-formed, and every name, port, path, setting and metric in it exists. No cluster
 * has run it. YAML is read with the parser that mocha brings for its own settings.
 */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { z } from "zod";
import { settingsTable } from "../../src/config.ts";

const folder = join(import.meta.dirname, "../../../deploy/kubernetes");
const yaml = createRequire(createRequire(import.meta.url).resolve("mocha"))("js-yaml") as {
  loadAll(text: string): unknown[];
};

const env = z.object({ name: z.string(), value: z.string().optional(), valueFrom: z.unknown().optional() });
const probe = z.object({
  httpGet: z.object({ path: z.string(), port: z.string(), scheme: z.string().optional() }),
});
const container = z.object({
  name: z.string(),
  image: z.string(),
  env: z.array(env).default([]),
  envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })).default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  readinessProbe: probe.optional(),
  livenessProbe: probe.optional(),
  startupProbe: probe.optional(),
  lifecycle: z.undefined().optional(),
  volumeMounts: z.array(z.object({ name: z.string() })),
  securityContext: z.object({ allowPrivilegeEscalation: z.literal(false) }),
});
const volume = z.object({ name: z.string(), secret: z.object({ secretName: z.string() }).optional() });
const workload = z.object({
  kind: z.enum(["Deployment", "StatefulSet"]),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    serviceName: z.string().optional(),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        terminationGracePeriodSeconds: z.number(),
        securityContext: z.object({ runAsNonRoot: z.literal(true) }),
        containers: z.array(container),
        volumes: z.array(volume),
      }),
    }),
    volumeClaimTemplates: z.array(z.object({ metadata: z.object({ name: z.string() }) })).default([]),
  }),
});
const anything = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }).optional(),
});
const secret = z.object({ stringData: z.record(z.string(), z.string()) });
const config = z.object({ data: z.record(z.string(), z.string()) });
const service = z.object({
  spec: z.object({
    selector: z.record(z.string(), z.string()),
    ports: z.array(z.object({ port: z.number(), targetPort: z.string() })),
  }),
});
const scaled = z.object({
  spec: z.object({
    scaleTargetRef: z.object({ kind: z.string(), name: z.string() }),
    triggers: z.array(z.object({ metadata: z.object({ query: z.string(), threshold: z.string() }) })),
  }),
});

describe("deploy/kubernetes", () => {
  let all: z.infer<typeof anything>[];
  let list: string[];
  const of = <S extends z.ZodType>(kind: string, schema: S) =>
    all
      .filter((one) => one.kind === kind)
      .map((one) => ({ name: one.metadata?.name ?? "", ...(schema.parse(one) as z.output<S> & object) }));
  const workloads = () =>
    all
      .filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet")
      .map((one) => workload.parse(one));

  before(async () => {
    const files = (await readdir(folder)).filter((name) => name.endsWith(".yaml"));
    const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
    all = texts.flatMap((text) => yaml.loadAll(text)).map((one) => anything.parse(one));
    list = z
      .object({ resources: z.array(z.string()) })
      .parse(all.find(({ kind }) => kind === "Kustomization")).resources;
    // The template of secrets is never applied as it is.
    assert.deepEqual(
      [...list, "kustomization.yaml", "secrets.example.yaml"].sort(),
      files.sort(),
      "files and list",
    );
  });

  it("O8: every process of the game is there, selects its own pods, and drains for as long as it is left", () => {
    const { DRAIN_SECONDS } = of("ConfigMap", config).find(({ name }) => name === "common")?.data ?? {};
    const services = new Set<string>();
    for (const { metadata, spec } of workloads()) {
      const pod = spec.template;
      assert.equal(pod.metadata.labels["app.kubernetes.io/name"], metadata.name);
      assert.deepEqual(spec.selector.matchLabels, { "app.kubernetes.io/name": metadata.name });
      const main = pod.spec.containers.find(({ name }) => name === "main");
      assert.ok(main, metadata.name);
      const value = (name: string) => main.env.find((one) => one.name === name)?.value;
      for (const one of value("SERVICES")?.split(",") ?? []) services.add(one);
      const drain = Number(value("DRAIN_SECONDS") ?? DRAIN_SECONDS);
      assert.ok(pod.spec.terminationGracePeriodSeconds >= drain + (metadata.name === "edge" ? 0 : 20));
      const mountable = new Set(
        [...pod.spec.volumes, ...spec.volumeClaimTemplates.map((one) => one.metadata)].map(
          ({ name }) => name,
        ),
      );
      for (const { name, volumeMounts, ports, readinessProbe, livenessProbe, startupProbe } of pod.spec
        .containers) {
        for (const mount of volumeMounts)
          assert.ok(mountable.has(mount.name), `${metadata.name}: ${mount.name}`);
        for (const one of [readinessProbe, livenessProbe, startupProbe])
          if (one) {
            assert.ok(
              ports.some((port) => port.name === one.httpGet.port),
              `${metadata.name}/${name}`,
            );
            assert.ok(["/readyz", "/healthz"].includes(one.httpGet.path));
          }
      }
      if (main.image === "meme-rounds" && metadata.name !== "auditor")
        assert.equal(main.readinessProbe?.httpGet.path, "/readyz");
    }
    const expected = "audience,auditor,auth,content,content-worker,model-worker,payment,payment-worker,round";
    assert.equal([...services].sort().join(), expected);
  });

  it("O7, O8: every setting is one of config.ts, and every secret and its key is in the template", () => {
    const known = new Set([...settingsTable().matchAll(/\b[A-Z][A-Z0-9_]+\b/g)].map(([name]) => name));
    const others = new Set(["POD_NAME", "NODE_EXTRA_CA_CERTS", "NODE_OPTIONS"]);
    const secrets = new Map(
      of("Secret", secret).map(({ name, stringData }) => [name, Object.keys(stringData)]),
    );
    const maps = new Map(of("ConfigMap", config).map(({ name, data }) => [name, Object.keys(data)]));
    for (const name of maps.get("common") ?? []) assert.ok(known.has(name), name);
    for (const { spec } of workloads())
      for (const { env: given, envFrom } of spec.template.spec.containers) {
        for (const { configMapRef } of envFrom) assert.ok(maps.has(configMapRef.name));
        for (const { name, valueFrom } of given) {
          assert.ok(known.has(name) || others.has(name), name);
          const ref = z
            .object({ secretKeyRef: z.object({ name: z.string(), key: z.string() }) })
            .safeParse(valueFrom);
          if (ref.success)
            assert.ok(secrets.get(ref.data.secretKeyRef.name)?.includes(ref.data.secretKeyRef.key), name);
        }
      }
  });

  it("M7: the auditor's secret is in no pod but its own, the operator's not with it, and relays have neither", () => {
    for (const { metadata, spec } of workloads()) {
      const text = JSON.stringify(spec);
      const has = (name: string) =>
        text.includes(`"secretName":"${name}"`) || text.includes(`"secretKeyRef":{"name":"${name}"`);
      assert.equal(has("auditor"), metadata.name === "auditor", metadata.name);
      assert.equal(has("operator"), ["game", "payment-worker"].includes(metadata.name), metadata.name);
    }
  });

  it("O8: every address named is a service, on a port that its pods have", () => {
    const services = new Map(of("Service", service).map(({ name, spec }) => [name, spec]));
    for (const [name, { selector, ports }] of services) {
      const pods = workloads().find((one) => one.metadata.name === selector["app.kubernetes.io/name"]);
      const open = pods?.spec.template.spec.containers.flatMap((one) => one.ports.map((port) => port.name));
      for (const { targetPort } of ports) assert.ok(open?.includes(targetPort), name);
    }
    const text = JSON.stringify(all);
    const named = [...text.matchAll(/([a-z$-]+)\.meme-rounds\.svc\.cluster\.local(?::(\d+))?/g)];
    assert.ok(named.length >= 5);
    for (const [, host = "", port] of named)
      for (const name of host === "$owner" ? ["game", "relay"] : [host]) {
        const ports = services.get(name)?.ports.map((one) => String(one.port));
        assert.ok(port === undefined ? ports : ports?.includes(port), `${name}:${port}`);
      }
    for (const { metadata, spec } of workloads())
      if (spec.serviceName) assert.ok(services.has(spec.serviceName), metadata.name);
  });

  it("O8: what is scaled exists, by metrics that the code makes and with no number of its own", async () => {
    const source = await Promise.all(
      ["infra/scale-signals.ts", "content/pipeline/depth.ts"].map((name) =>
        readFile(join(import.meta.dirname, "../../src", name), "utf8"),
      ),
    );
    const objects = of("ScaledObject", scaled);
    assert.deepEqual(objects.map(({ name }) => name).sort(), ["model-worker", "relay"]);
    for (const { spec } of objects) {
      const target = all.find(
        ({ kind, metadata }) =>
          kind === spec.scaleTargetRef.kind && metadata?.name === spec.scaleTargetRef.name,
      );
      assert.ok(target);
      assert.ok(!JSON.stringify(target).includes('"replicas"'), "two would set the number of pods");
      for (const { metadata } of spec.triggers) {
        const metrics = metadata.query.match(/mr_\w+/g) ?? [];
        assert.ok(metrics.length > 0 && Number(metadata.threshold) > 0);
        for (const metric of metrics) assert.ok(source.join("").includes(`"${metric}"`), metric);
      }
    }
  });
});
