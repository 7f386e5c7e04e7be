import { openApiDocument } from '../src/openapi/document.ts';
import { apiRoutes } from './api-routes.ts';

/** The OpenAPI document of the routes that the program registers, without a server that listens. */
export async function apiDocument(): Promise<ReturnType<typeof openApiDocument>> {
  return openApiDocument(await apiRoutes(), { server: '/api', version: '0.1.0' });
}
