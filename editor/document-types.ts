import type { DocumentType } from "../schema/closed-sets.ts";

/** What people call the types of documents. */
export const DOCUMENT_TYPE_WORDS: Readonly<Record<DocumentType, string>> = {
  product_overview: "Product overview",
  feature_requirements: "Feature requirements",
  technical_requirements: "Technical requirements",
  foundation_blueprint: "Foundation blueprint",
  system_diagram: "System diagram",
  feature_blueprint: "Feature blueprint",
};
