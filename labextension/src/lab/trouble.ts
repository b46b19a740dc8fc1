/**
 * Says in JupyterLab what went wrong.
 */

import { Notification } from '@jupyterlab/apputils';

/** Runs what a reader asked for; what goes wrong is said, and not raised. */
export async function told(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    Notification.error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { autoClose: false });
  }
}
