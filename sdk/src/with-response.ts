type Answer<T> = { data: T; response: Response };

/** Calls an operation and gives its answer beside the body: `withResponse(retryAction, { path: { action_id: 42 } })`. */
export async function withResponse<O extends object, T>(
  operation: (options: O) => Promise<T>,
  options: O,
): Promise<Answer<T>> {
  // Safe: the generated functions take `responseStyle`, though their types do not tell how it changes the answer.
  return (await operation({ ...options, responseStyle: 'fields' })) as unknown as Answer<T>;
}

/** The action that a call has started; null when it started none. */
export function actionIdOf(response: Response): number | null {
  const id = Number(response.headers.get('x-devopness-action-id') ?? Number.NaN);
  return Number.isSafeInteger(id) ? id : null;
}
