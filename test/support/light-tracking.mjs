// Loaded before each test file (`--import`). The test runner follows every promise, to tell to which test an error belongs
// that nobody handles: a quarter of the processor's time of these tests. Without that it still fails the file for such an
// error, and shows it beside the tests rather than below one.
import asyncHooks from 'node:async_hooks';
import { syncBuiltinESMExports } from 'node:module';

const { createHook } = asyncHooks;
asyncHooks.createHook = (callbacks) => {
  asyncHooks.createHook = createHook;
  syncBuiltinESMExports();
  return createHook({ ...callbacks, trackPromises: false });
};
