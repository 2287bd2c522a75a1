/**
 * A TFLite model on TensorFlow.js: each operator as its counterpart there.
 * Owns: the operators that our model has. Does not own: the file's layout, which back end computes.
 */
import * as tf from "@tensorflow/tfjs";
import { OPERATOR, type TfliteModel, type TfliteOperator } from "./tflite-file.ts";

type Values = (tensor: number) => tf.Tensor4D;

/** A function from the model's input to its output; the caller disposes of what it answers. */
export function prepare(model: TfliteModel): (input: tf.Tensor4D) => tf.Tensor4D {
  const constants = uploadConstants(model);
  const operators = model.operators.filter(({ code }) => code !== OPERATOR.DEQUANTIZE);
  return (input) =>
    tf.tidy(() => {
      const made = new Map([[model.input, input]]);
      const tensorOf: Values = (tensor) => {
        const value = made.get(tensor) ?? constants.get(tensor);
        if (!value) throw new RangeError(`TFLite tensor ${tensor} is used before it is made`);
        return value;
      };
      for (const operator of operators) made.set(operator.output, run(operator, tensorOf, model));
      return tensorOf(model.output);
    });
}

/** Weights on the back end, in TensorFlow.js's order of dimensions. */
function uploadConstants({ constants, operators }: TfliteModel): Map<number, tf.Tensor4D> {
  const uploaded = new Map<number, tf.Tensor4D>();
  for (const [at, { shape, values }] of constants) {
    if (values instanceof Float32Array)
      uploaded.set(at, tf.tensor<tf.Rank>(values, [...shape]) as tf.Tensor4D);
  }
  for (const { code, inputs, output } of operators) {
    // Half floats were widened when they were read.
    const source = uploaded.get(inputs[0] ?? -1);
    if (code === OPERATOR.DEQUANTIZE && source) uploaded.set(output, source);
  }
  for (const operator of operators) {
    const weights = operator.inputs[1] ?? -1;
    const value = uploaded.get(weights);
    const order = value && ORDERS.get(operator.code);
    if (order) uploaded.set(weights, tf.transpose(value, order));
  }
  return uploaded;
}

/** From (out, height, width, in) and, depthwise, from (1, height, width, channels). */
const ORDERS: ReadonlyMap<number, [number, number, number, number]> = new Map([
  [OPERATOR.CONV_2D, [1, 2, 3, 0]],
  [OPERATOR.DEPTHWISE_CONV_2D, [1, 2, 3, 0]],
  [OPERATOR.CUSTOM, [1, 2, 0, 3]],
]);

function run(operator: TfliteOperator, tensorOf: Values, model: TfliteModel): tf.Tensor4D {
  const input = (at: number): tf.Tensor4D => tensorOf(operator.inputs[at] ?? -1);
  const x = input(0);
  const padding = operator.option(0, "byte", 0) === 0 ? "same" : "valid";
  const strides: [number, number] = [operator.option(2, "int", 1), operator.option(1, "int", 1)];
  switch (operator.code) {
    case OPERATOR.CONV_2D:
      return tf.add(tf.conv2d(x, input(1), strides, padding), input(2));
    case OPERATOR.DEPTHWISE_CONV_2D:
      return tf.add(tf.depthwiseConv2d(x, input(1), strides, padding), input(2));
    case OPERATOR.AVERAGE_POOL_2D:
      return tf.avgPool(x, [operator.option(4, "int", 1), operator.option(3, "int", 1)], strides, padding);
    case OPERATOR.ADD:
      return tf.add(x, input(1));
    case OPERATOR.MUL:
      return tf.mul(x, input(1));
    case OPERATOR.RELU:
      return tf.relu(x);
    case OPERATOR.LOGISTIC:
      return tf.sigmoid(x);
    case OPERATOR.HARD_SWISH:
      return tf.mul(x, tf.div(tf.clipByValue(tf.add(x, 3), 0, 6), 6));
    case OPERATOR.RESIZE_BILINEAR: {
      const [, height = 1, width = 1] = model.shapeOf(operator.output);
      return tf.image.resizeBilinear(x, [height, width], false, operator.option(3, "byte", 0) === 1);
    }
    case OPERATOR.CUSTOM:
      if (operator.custom === "Convolution2DTransposeBias") return upsample(operator, x, input, model);
  }
  throw new RangeError(`TFLite operator ${operator.code} ${operator.custom} is not known`);
}

/** MediaPipe's own operator: a transposed convolution that doubles both sides, plus a bias. */
function upsample(
  operator: TfliteOperator,
  x: tf.Tensor4D,
  input: (at: number) => tf.Tensor4D,
  model: TfliteModel,
): tf.Tensor4D {
  const [count = 1, height = 1, width = 1, channels = 1] = model.shapeOf(operator.output);
  return tf.add(tf.conv2dTranspose(x, input(1), [count, height, width, channels], 2, "same"), input(2));
}
