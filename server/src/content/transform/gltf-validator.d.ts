/** The part of gltf-validator that is used here; the package brings no types. */
declare module "gltf-validator" {
  export interface ValidationReport {
    issues: {
      numErrors: number;
      numWarnings: number;
      numInfos: number;
      messages: { code: string; message: string }[];
    };
    /** Absent when the bytes are too broken to count anything in. */
    info?: {
      resources?: {
        image?: { width: number; height: number };
      }[];
      totalTriangleCount?: number;
    };
  }
  export interface ValidationOptions {
    maxIssues?: number;
  }
  const validator: {
    /** Reports what is broken as errors; rejects with a string when the bytes have no sign of glTF. */
    validateBytes(data: Uint8Array, options?: ValidationOptions): Promise<ValidationReport>;
  };
  export default validator;
}
