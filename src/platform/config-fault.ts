/** The program cannot start the way it is set up. The message says what to do; shown without a stack. */
export class ConfigFault extends Error {
  override name = 'ConfigFault';
}
