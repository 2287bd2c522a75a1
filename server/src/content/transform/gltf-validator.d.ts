/** The part of gltf-validator that is used here; the package brings no types. */
declare module "gltf-validator" {
  export interface ValidationReport {
    issues: { numErrors: number; numWarnings: number; messages: { code: string; message: string }[] };
  }
  export interface ValidationOptions {
    maxIssues?: number;
  }
  const validator: {
    /** Reports broken bytes as errors; it does not reject because of them. */
    validateBytes(data: Uint8Array, options?: ValidationOptions): Promise<ValidationReport>;
  };
  export default validator;
}
