/**
 * A TFLite model file (a FlatBuffer) as operators and constants.
 * Owns: the file's layout, as far as the operators in operators.ts need it. Does not own: running it.
 * Layout: tensorflow/lite/schema/schema.fbs; a field's number is its place in its table there.
 */

/** Numbers of the schema's BuiltinOperator. */
export const OPERATOR = {
  ADD: 0,
  AVERAGE_POOL_2D: 1,
  CONV_2D: 3,
  DEPTHWISE_CONV_2D: 4,
  DEQUANTIZE: 6,
  LOGISTIC: 14,
  MUL: 18,
  RELU: 19,
  RESIZE_BILINEAR: 23,
  CUSTOM: 32,
  HARD_SWISH: 117,
} as const;

export interface TfliteOperator {
  readonly code: number;
  /** Of a CUSTOM operator. */
  readonly custom: string;
  /** Numbers of tensors; -1 for an input left out. */
  readonly inputs: readonly number[];
  readonly output: number;
  /** A number of its options table; `fallback` where the file leaves the field at its default. */
  option(field: number, kind: "byte" | "int", fallback: number): number;
}

export interface TfliteConstant {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}

export interface TfliteModel {
  readonly input: number;
  readonly output: number;
  /** In the order of their running. */
  readonly operators: readonly TfliteOperator[];
  readonly constants: ReadonlyMap<number, TfliteConstant>;
  shapeOf(tensor: number): readonly number[];
}

const FLOAT32 = 0;
const FLOAT16 = 1;
const INT32 = 2;

/** Reads the only subgraph of a model with one input and one output. Throws RangeError for bytes that are no such file. */
export function readTflite(bytes: Uint8Array): TfliteModel {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const model = new Table(view, view.getUint32(0, true));
  const codes = model.tables(1).map((code) => ({
    code: Math.max(code.number(0, "byte", 0), code.number(3, "int", 0)),
    custom: code.text(1),
  }));
  const graph = model.tables(2)[0];
  if (!graph) throw new RangeError("a TFLite file without a graph");
  const buffers = model.tables(4);
  const tensors = graph.tables(0).map((tensor) => ({
    shape: tensor.ints(0),
    type: tensor.number(1, "byte", FLOAT32),
    buffer: buffers[tensor.number(2, "int", 0)],
  }));
  const constants = new Map<number, TfliteConstant>();
  for (const [at, { shape, type, buffer }] of tensors.entries()) {
    const data = buffer?.vector(0);
    if (data && data.length > 0) constants.set(at, { shape, values: valuesOf(view, data, type) });
  }
  return {
    input: onlyOne(graph.ints(1)),
    output: onlyOne(graph.ints(2)),
    operators: graph.tables(3).map((operator) => operatorOf(operator, codes)),
    constants,
    shapeOf: (tensor) => tensors[tensor]?.shape ?? [],
  };
}

function operatorOf(table: Table, codes: readonly { code: number; custom: string }[]): TfliteOperator {
  const known = codes[table.number(0, "int", 0)];
  if (!known) throw new RangeError("a TFLite operator without a code");
  const options = table.table(4);
  return {
    ...known,
    inputs: table.ints(1),
    output: onlyOne(table.ints(2)),
    option: (field, kind, fallback) => options?.number(field, kind, fallback) ?? fallback,
  };
}

function onlyOne(list: readonly number[]): number {
  const [only] = list;
  if (only === undefined || list.length > 1) throw new RangeError(`one tensor expected, not ${list.length}`);
  return only;
}

interface Vector {
  /** Where its first element lies. */
  readonly start: number;
  /** Elements. */
  readonly length: number;
}

/** A FlatBuffer table: fields are found through its vtable; one that is not there has its default. */
class Table {
  readonly #view: DataView;
  readonly #start: number;

  constructor(view: DataView, start: number) {
    this.#view = view;
    this.#start = start;
  }

  #fieldAt(field: number): number | undefined {
    const vtable = this.#start - this.#view.getInt32(this.#start, true);
    const entry = 4 + 2 * field;
    if (entry >= this.#view.getUint16(vtable, true)) return undefined;
    const offset = this.#view.getUint16(vtable + entry, true);
    return offset === 0 ? undefined : this.#start + offset;
  }

  #follow(at: number): number {
    return at + this.#view.getUint32(at, true);
  }

  number(field: number, kind: "byte" | "int", fallback: number): number {
    const at = this.#fieldAt(field);
    if (at === undefined) return fallback;
    return kind === "byte" ? this.#view.getInt8(at) : this.#view.getInt32(at, true);
  }

  table(field: number): Table | undefined {
    const at = this.#fieldAt(field);
    return at === undefined ? undefined : new Table(this.#view, this.#follow(at));
  }

  vector(field: number): Vector {
    const at = this.#fieldAt(field);
    if (at === undefined) return { start: 0, length: 0 };
    const start = this.#follow(at);
    return { start: start + 4, length: this.#view.getUint32(start, true) };
  }

  tables(field: number): Table[] {
    const { start, length } = this.vector(field);
    return Array.from({ length }, (_, k) => new Table(this.#view, this.#follow(start + 4 * k)));
  }

  ints(field: number): number[] {
    const { start, length } = this.vector(field);
    return Array.from({ length }, (_, k) => this.#view.getInt32(start + 4 * k, true));
  }

  text(field: number): string {
    const { start, length } = this.vector(field);
    return Buffer.from(this.#view.buffer, this.#view.byteOffset + start, length).toString("utf8");
  }
}

/** A constant's numbers; its vector counts bytes. */
function valuesOf(view: DataView, { start, length }: Vector, type: number): Float32Array | Int32Array {
  switch (type) {
    case FLOAT32:
      return Float32Array.from({ length: length / 4 }, (_, k) => view.getFloat32(start + 4 * k, true));
    case FLOAT16:
      return Float32Array.from({ length: length / 2 }, (_, k) => half(view.getUint16(start + 2 * k, true)));
    case INT32:
      return Int32Array.from({ length: length / 4 }, (_, k) => view.getInt32(start + 4 * k, true));
    default:
      throw new RangeError(`TFLite constants of type ${type} are not read`);
  }
}

/** An IEEE 754 half as a number; weights are finite. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
