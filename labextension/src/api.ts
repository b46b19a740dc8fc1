/**
 * The recorder's routes on the Jupyter server that serves this page: recordings and their files.
 */

import { ServerConnection } from '@jupyterlab/services';

import type { Manifest } from './replay/port';

export type Trouble = 'no_extension' | 'not_found' | 'forbidden' | 'unreachable' | 'failed';

/** What the server refused, in a sentence for the reader. */
export class ApiError extends Error {
  constructor(
    readonly trouble: Trouble,
    message: string
  ) {
    super(message);
  }
}

export interface FileState {
  /** Bytes, up to the last whole line. */
  readonly size: number;
  /** Changes with the bytes. */
  readonly etag: string;
}

export class RecordingApi {
  constructor(
    readonly id: string,
    readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings()
  ) {}

  /** The manifest with what readers changed of it. */
  async manifest(): Promise<Manifest> {
    return (await (await this.request('')).json()) as Manifest;
  }

  async state(file: string): Promise<FileState> {
    const { headers } = await this.request(`/files/${file}`, { method: 'HEAD' });
    return { size: Number(headers.get('Content-Length') ?? 0), etag: headers.get('ETag') ?? '' };
  }

  async text(file: string): Promise<string> {
    return (await this.request(`/files/${file}`)).text();
  }

  /** Bytes `start` to `end` (exclusive), less at the file's end. */
  async bytes(file: string, start: number, end: number): Promise<ArrayBuffer> {
    const response = await this.request(`/files/${file}`, { headers: { Range: `bytes=${start}-${end - 1}` } });
    if (response.status !== 206) {
      throw new ApiError('failed', 'Something between this page and the server does not pass on ranges of files.');
    }
    return response.arrayBuffer();
  }

  /** Where a file of it is. */
  fileUrl(file: string): string {
    return `${recordingUrl(this.settings, this.id)}/files/${file}`;
  }

  /** Where the recorder's WebSocket is. */
  get socketUrl(): string {
    return socketUrl(this.settings);
  }

  private request(path: string, init: RequestInit = {}): Promise<Response> {
    return ask(this.settings, `${recordingPath(this.id)}${path}`, init, this.id);
  }
}

/** Where a recording is below `api/recording/`. */
export function recordingPath(id: string): string {
  return `recordings/${encodeURIComponent(id)}`;
}

/** Where a recording is, or all of them. */
export function recordingUrl({ baseUrl }: ServerConnection.ISettings, id = ''): string {
  return `${baseUrl}api/recording/${recordingPath(id)}`;
}

/** Where the recorder's WebSocket is. */
export function socketUrl({ wsUrl, token, appendToken }: ServerConnection.ISettings): string {
  const url = new URL('api/recording/ws', wsUrl);
  if (appendToken && token !== '') {
    url.searchParams.set('token', token);
  }
  return url.href;
}

/**
 * Sends a request to the recorder; rejects with an `ApiError`.
 *
 * @param path below `api/recording/`
 * @param id the recording that it is about
 */
export async function ask(settings: ServerConnection.ISettings, path: string, init: RequestInit, id = ''): Promise<Response> {
  const response = await reach(settings, `${settings.baseUrl}api/recording/${path}`, init);
  if (!response.ok) {
    throw await refusal(response, id, init.method ?? 'GET');
  }
  return response;
}

/** Sends a request to the Jupyter server; rejects with an `ApiError` where there is no answer, whatever it would be. */
export async function reach(settings: ServerConnection.ISettings, url: string, init: RequestInit): Promise<Response> {
  try {
    return await ServerConnection.makeRequest(url, { cache: 'no-store', ...init }, settings);
  } catch {
    throw new ApiError('unreachable', 'The Jupyter server can\'t be reached.');
  }
}

async function refusal(response: Response, id: string, method: string): Promise<ApiError> {
  const body = await readError(response);
  if (response.status === 401 || response.status === 403) {
    const what = method === 'GET' || method === 'HEAD' ? 'read recordings' : 'record, change or delete';
    return new ApiError('forbidden', `You may not ${what} on this server${id === '' ? '' : ` (the recording is "${id}")`}.`);
  }
  if (response.status === 404 && body.code === undefined && !path404(body)) {
    return new ApiError('no_extension', 'It needs the recorder\'s server extension: install jupyter-recorder where this Jupyter server runs.');
  }
  if (response.status === 404 && body.code !== 'terminal_not_found') {
    return new ApiError('not_found', `There is no recording "${id}" on this server: it was deleted, or made elsewhere.`);
  }
  return new ApiError(response.status >= 502 ? 'unreachable' : 'failed', body.message || `The server answered ${response.status}.`);
}

interface ErrorBody {
  readonly code?: unknown;
  readonly message: string;
}

async function readError(response: Response): Promise<ErrorBody> {
  try {
    const { code, message } = (await response.json()) as Record<string, unknown>;
    return { code, message: typeof message === 'string' ? message : '' };
  } catch {
    return { message: '' };
  }
}

/** The extension's own word for a file that is not there. */
function path404({ message }: ErrorBody): boolean {
  return message.includes('no such file');
}
