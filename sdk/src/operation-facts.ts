/** A parameter, or a field of a body. */
export type Field = {
  name: string;
  /** As JSON Schema names them: `string`, `integer`, `array`; empty when anything goes. */
  types: string[];
  /** The type of what an array holds. */
  items?: string;
  isNullable: boolean;
  isRequired: boolean;
  description: string;
  /** The only ones there are. */
  values?: unknown[];
  default?: unknown;
};

/** An operation of the API, for programs that offer it to a person: a command line, completion, a form. */
export type OperationFacts = {
  /** `addPipelineHook` */
  id: string;
  /** `POST` */
  method: string;
  /** `/pipelines/{pipeline_id}/hooks/{hook_type}` */
  path: string;
  summary: string;
  description: string;
  tag: string;
  permission: string | null;
  /** Without a token. */
  isPublic: boolean;
  /** Answers page by page. */
  isList: boolean;
  /** The content type of its answer, or null without one. */
  answers: string | null;
  path_parameters: Field[];
  query_parameters: Field[];
  /** Null without a JSON body. */
  body: Field[] | null;
  isBodyRequired: boolean;
  /** Of the body. */
  example: unknown;
};
