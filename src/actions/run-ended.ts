/** Why a run is ended from outside. Null: the node holds it no longer, and writes nothing more. */
export class RunEnded extends Error {
  override name = 'RunEnded';
  readonly reason: string | null;

  constructor(reason: string | null) {
    super(reason ?? 'The action is no longer held by this node.');
    this.reason = reason;
  }
}
