/**
 * A composed scene as a GLB file that any viewer opens.
 * Owns: the document, materials, the 6 s loop, quantisation. Does not own: shapes and textures.
 */
import {
  type Accessor,
  type Buffer,
  Document,
  Logger,
  type Material,
  type Node,
  NodeIO,
  type Primitive,
} from "@gltf-transform/core";
import { KHRMaterialsClearcoat, KHRMeshQuantization } from "@gltf-transform/extensions";
import { quantize } from "@gltf-transform/functions";
import type { Mesh } from "./mesh.ts";
import { type Motion, type Part, type Scene, SUBJECT_APPROACH } from "./scene.ts";

const GENERATOR = "meme-rounds";
const EXTENSIONS = [KHRMaterialsClearcoat, KHRMeshQuantization];
/** glTF's number for it. */
const CLAMP_TO_EDGE = 33_071;
const LOOP_S = 6;
const KEYFRAMES = 25;
/** Bits a component; no viewer needs a decoder for these. */
const PRECISION = { quantizePosition: 14, quantizeTexcoord: 12, quantizeNormal: 10 };

interface Finish {
  readonly roughness: number;
  readonly metallic: number;
  /** A clear varnish, 0..1. */
  readonly clearcoat?: number;
}

const FINISHES: Readonly<Record<Part["name"], Finish>> = {
  stage: { roughness: 0.85, metallic: 0 },
  subject: { roughness: 0.42, metallic: 0, clearcoat: 0.6 },
  caption: { roughness: 0.35, metallic: 0 },
  wall: { roughness: 0.6, metallic: 0 },
  lip: { roughness: 0.22, metallic: 1 },
  frame: { roughness: 0.28, metallic: 0.35 },
  back: { roughness: 0.8, metallic: 0 },
};

/** Reader and writer that know the extensions our models use. */
export function createGltfIo(): NodeIO {
  return new NodeIO().registerExtensions(EXTENSIONS);
}

/** The scene as GLB bytes and its number of triangles. */
export async function writeGlb(scene: Scene): Promise<{ glb: Uint8Array; triangles: number }> {
  const document = new Document().setLogger(new Logger(Logger.Verbosity.WARN));
  document.getRoot().getAsset().generator = GENERATOR;
  const builder = new DocumentBuilder(document);
  const swing = document.createNode("swing");
  const root = document.createScene("meme").addChild(swing);
  document.getRoot().setDefaultScene(root);
  const rigs = scene.parts.map((part) => ({ part, node: builder.addPart(part, swing) }));
  builder.animateRotation(swing);
  for (const { part, node } of rigs) {
    if (part.motion !== "none") builder.animateHeight(node, part.z, part.motion);
  }
  await document.transform(quantize(PRECISION));
  const triangles = scene.parts.reduce((sum, { mesh }) => sum + mesh.indices.length / 3, 0);
  return { glb: await createGltfIo().writeBinary(document), triangles };
}

class DocumentBuilder {
  readonly #document: Document;
  readonly #buffer: Buffer;
  readonly #clearcoat: KHRMaterialsClearcoat;
  readonly #animation;
  readonly #times: Accessor;

  constructor(document: Document) {
    this.#document = document;
    this.#buffer = document.createBuffer();
    this.#clearcoat = document.createExtension(KHRMaterialsClearcoat);
    this.#animation = document.createAnimation("loop");
    const times = Float32Array.from({ length: KEYFRAMES }, (_, key) => (LOOP_S * key) / (KEYFRAMES - 1));
    this.#times = this.#accessor("SCALAR", times);
  }

  /** Returns the node that may be animated; quantisation moves the mesh's own node. */
  addPart(part: Part, parent: Node): Node {
    const mesh = this.#document.createMesh(part.name).addPrimitive(this.#primitive(part));
    const body = this.#document.createNode(part.name).setMesh(mesh);
    const rig = this.#document.createNode(`${part.name}-rig`).setTranslation([0, 0, part.z]).addChild(body);
    parent.addChild(rig);
    return rig;
  }

  /** A slow look from side to side with a slight nod. */
  animateRotation(node: Node): void {
    this.#animate(node, "rotation", "VEC4", (phase) => {
      const turn = (0.42 * Math.sin(phase)) / 2;
      const nod = (0.06 * Math.sin(2 * phase)) / 2;
      const [sinTurn, cosTurn] = [Math.sin(turn), Math.cos(turn)];
      const [sinNod, cosNod] = [Math.sin(nod), Math.cos(nod)];
      return [sinNod * cosTurn, cosNod * sinTurn, -sinNod * sinTurn, cosNod * cosTurn];
    });
  }

  animateHeight(node: Node, z: number, motion: Exclude<Motion, "none">): void {
    this.#animate(node, "translation", "VEC3", (phase) =>
      motion === "approach"
        ? [0, 0.006 * Math.sin(2 * phase), z + (SUBJECT_APPROACH / 2) * (1 - Math.cos(phase))]
        : [0, 0, z + 0.014 * Math.sin(2 * phase)],
    );
  }

  #animate(
    node: Node,
    path: "rotation" | "translation",
    type: "VEC3" | "VEC4",
    at: (phase: number) => number[],
  ): void {
    const phases = Array.from({ length: KEYFRAMES }, (_, key) => (2 * Math.PI * key) / (KEYFRAMES - 1));
    const output = this.#accessor(type, Float32Array.from(phases.flatMap(at)));
    const sampler = this.#document
      .createAnimationSampler()
      .setInput(this.#times)
      .setOutput(output)
      .setInterpolation("LINEAR");
    const channel = this.#document
      .createAnimationChannel()
      .setTargetNode(node)
      .setTargetPath(path)
      .setSampler(sampler);
    this.#animation.addSampler(sampler).addChannel(channel);
  }

  #primitive(part: Part): Primitive {
    const { positions, normals, uvs, indices }: Mesh = part.mesh;
    const primitive = this.#document
      .createPrimitive()
      .setMaterial(this.#material(part))
      .setIndices(
        this.#accessor("SCALAR", positions.length / 3 < 65_535 ? Uint16Array.from(indices) : indices),
      )
      .setAttribute("POSITION", this.#accessor("VEC3", positions))
      .setAttribute("NORMAL", this.#accessor("VEC3", normals));
    return part.texture ? primitive.setAttribute("TEXCOORD_0", this.#accessor("VEC2", uvs)) : primitive;
  }

  #material({ name, texture, colour }: Part): Material {
    const { roughness, metallic, clearcoat } = FINISHES[name];
    const material = this.#document
      .createMaterial(name)
      .setRoughnessFactor(roughness)
      .setMetallicFactor(metallic);
    if (colour) material.setBaseColorFactor([...colour, 1]);
    if (texture) {
      const image = this.#document.createTexture(name).setImage(texture).setMimeType("image/jpeg");
      material.setBaseColorTexture(image);
      material.getBaseColorTextureInfo()?.setWrapS(CLAMP_TO_EDGE).setWrapT(CLAMP_TO_EDGE);
    }
    if (clearcoat !== undefined) {
      const varnish = this.#clearcoat
        .createClearcoat()
        .setClearcoatFactor(clearcoat)
        .setClearcoatRoughnessFactor(0.25);
      material.setExtension(KHRMaterialsClearcoat.EXTENSION_NAME, varnish);
    }
    return material;
  }

  #accessor(type: "SCALAR" | "VEC2" | "VEC3" | "VEC4", array: Float32Array | Uint16Array | Uint32Array) {
    return this.#document
      .createAccessor()
      .setBuffer(this.#buffer)
      .setType(type)
      .setArray(array as Float32Array<ArrayBuffer>);
  }
}
