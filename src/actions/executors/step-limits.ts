/** What one step on the machine of Hookline may use; whatever is left out has no limit but the system's. */
export type StepLimits = {
  /** Address space of each process. */
  memoryMb?: number;
  /** Processes of the user that the step runs as, all of them together. */
  processes?: number;
  /** Of each file that is written. */
  fileMb?: number;
  /** Of each process. */
  cpuSeconds?: number;
};

/** `ulimit` for a bash to run first; empty where nothing is limited. */
export function limitCommands({ memoryMb, processes, fileMb, cpuSeconds }: StepLimits): string {
  const options = [
    memoryMb === undefined ? '' : `-v ${memoryMb * 1024}`,
    processes === undefined ? '' : `-u ${processes}`,
    fileMb === undefined ? '' : `-f ${fileMb * 1024}`,
    cpuSeconds === undefined ? '' : `-t ${cpuSeconds}`,
  ];
  return options
    .filter(Boolean)
    .map((option) => `ulimit ${option}`)
    .join(' && ');
}
