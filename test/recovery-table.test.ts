import { describe } from 'node:test';
import { faults } from './support/recovery-faults.ts';
import { recoveryTable } from './support/recovery-table.ts';

describe('every state of an action meets', { concurrency: 3 }, () => {
  for (const fault of [...faults.workerFaults, ...faults.sshFaults]) recoveryTable(fault);
});
