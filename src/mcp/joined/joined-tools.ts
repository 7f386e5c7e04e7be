import type { Tool } from '../tools.ts';
import { diagnoseHook } from './diagnose-hook.ts';
import { find } from './find.ts';
import { sendEvent } from './send-event.ts';
import { waitForAction } from './wait-for-action.ts';

/** Tools that join several public operations, for steps that an assistant would otherwise take one by one. */
export const joinedTools: Tool[] = [find, diagnoseHook, sendEvent, waitForAction];
