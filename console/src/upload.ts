// Files that are sent to a signed URL of the storage.
import { Refused, type Schema, type Whole, api, newKey, ok } from "./api";

export type Asset = Whole<Schema["Asset"]>;

/** Send a file to a signed URL. `fetch` does not say how far an upload is. Throws Refused. */
export const upload = (request: XMLHttpRequest, at: Whole<Schema["Upload"]>, file: File, onProgress: (part: number) => void) =>
  new Promise<void>((resolve, reject) => {
    const failed = (title: string, detail: string) =>
      reject(new Refused({ type: "about:blank", title, status: request.status, detail, instance: location.hash, request_id: "" }));
    request.open(at.method, at.url);
    for (const [name, value] of Object.entries(at.headers)) request.setRequestHeader(name, value as string);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.onload = () => (request.status < 300 ? resolve() : failed("The upload was refused", `The storage answered ${request.status}.`));
    request.onerror = () => failed("The upload failed", "The storage could not be reached.");
    request.onabort = () => failed("Canceled", "The upload was canceled.");
    request.send(file);
  });

const MOST = 200_000_000;

/** Of a file that is too large for any purpose it is not worth reading: the API refuses it before it looks at this. */
const sha256 = async (file: File) => {
  if (file.size > MOST) return "0".repeat(64);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return [...digest].map((each) => each.toString(16).padStart(2, "0")).join("");
};

/** Make an asset of a file; it is ready to be generated from. Throws Refused, also for a file that was rejected. */
export const makeAsset = async (
  file: File,
  kept: Pick<Schema["NewAsset"], "purpose" | "client_id">,
  onProgress: (part: number) => void,
): Promise<Asset> => {
  const { name: filename, size, type } = file;
  const body = { filename, size, content_type: type as Schema["NewAsset"]["content_type"], sha256: await sha256(file), ...kept };
  const header = { "idempotency-key": newKey() };
  const made = ok(await api.POST("/api/v3/assets", { params: { header }, body }));
  if (made.upload) await upload(new XMLHttpRequest(), made.upload, file, onProgress);
  return ok(await api.POST("/api/v3/assets/{asset_id}/complete", { params: { path: { asset_id: made.id } } }));
};
