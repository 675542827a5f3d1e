// Assets as tiles, with their filters, and the place to drop files into. Which there are, and how many, says the server.
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { type Refused, type Schema, api, ok, refusal } from "../api";
import { bytes } from "../format";
import { useListed } from "../loading";
import { place, setQuery, to } from "../router";
import { received } from "../session";
import { type Asset, makeAsset } from "../upload";
import { Button, Choice, CopyCurl, Empty, Filters, Progress, Search, Trouble } from "./basics";
import { Grid } from "./grid";
import { Coming, Found } from "./listed";
import { AssetThumbnail } from "./media";
import { say } from "./notices";

type Purpose = Schema["Purpose"];

export const PURPOSES: readonly (readonly [Purpose, string])[] = [
  ["reference", "Reference"],
  ["logo", "Logo"],
  ["mask", "Mask"],
  ["video", "Video"],
  ["audio", "Sound"],
];
const STATUSES = [
  ["", "Any"],
  ["ready", "Ready"],
  ["pending", "Pending"],
  ["rejected", "Rejected"],
] as const;
const ORDERS = [
  ["", "Newest first"],
  ["updated_at", "Last changed first"],
  ["name", "By name"],
  ["status", "By status"],
] as const;
const OWNERS = [
  ["", "All"],
  ["me", "Mine"],
  ["shared", "Shared with me"],
] as const;
const FILTERS = ["search", "purpose", "status", "owner"];

interface AssetsProps {
  /** A client's, those without one (`none`), or all that can be seen. */
  client?: string;
  /** Whether files may be added: to the client, or to one's own account. */
  mayAdd: boolean;
}

export const Assets = ({ client, mayAdd }: AssetsProps) => {
  const filters = place.value.query;
  const [search, purpose, status, order, owner] = ["search", "purpose", "status", "order", "owner"].map((name) => filters.get(name));
  const query = {
    ...(client ? { client_id: client } : {}),
    page_size: 50,
    ...(search ? { search } : {}),
    ...(purpose ? { purpose: purpose as Purpose } : {}),
    ...(status ? { status: status as Asset["status"] } : {}),
    ...(order ? { sort_by: order as "name" } : {}),
    ...(owner ? { owner } : {}),
  };
  const list = useListed<Asset>(JSON.stringify(query), async (cursor) =>
    ok(await api.GET("/api/v3/assets", { params: { query: cursor ? { ...query, cursor } : query } })),
  );
  return (
    <section aria-label="Assets">
      {mayAdd && <Adding client={client === "none" ? null : (client ?? null)} onAdded={list.reload} />}
      <Filters
        set={[purpose, status, order, owner].filter(Boolean).length}
        first={<Search key={place.value.path} label="Search filenames" value={search ?? ""} onSearch={(text) => setQuery({ search: text })} />}
        found={<Found list={list} path="/api/v3/assets" query={query} />}
      >
        <Choice label="Purpose" value={purpose ?? ""} options={[["", "Any"], ...PURPOSES]} onChoose={(value) => setQuery({ purpose: value })} />
        <Choice label="Status" value={status ?? ""} options={STATUSES} onChoose={(value) => setQuery({ status: value })} />
        <Choice label="Order" value={order ?? ""} options={ORDERS} onChoose={(value) => setQuery({ order: value })} />
        {!client && received.value.length > 0 && <Choice label="Owner" value={owner ?? ""} options={OWNERS} onChoose={(value) => setQuery({ owner: value })} />}
      </Filters>
      <Coming list={list} />
      {list.total.value === 0 &&
        (FILTERS.some((name) => filters.get(name)) ? (
          <Empty title="No asset fits">
            <Button onClick={() => setQuery(Object.fromEntries(FILTERS.map((name) => [name, ""])))}>Show all assets</Button>
          </Empty>
        ) : (
          <Empty title="No assets yet">
            <p>Product shots, logos, masks, films and sounds to generate from. {mayAdd ? "Drop files above." : "Your role lets you look, not upload."}</p>
          </Empty>
        ))}
      {list.items.value.length > 0 && (
        <Grid
          label="Assets"
          items={list.items.value}
          keyOf={(asset) => asset.id}
          hrefOf={(asset) => to(`/assets/${asset.id}`)}
          hasMore={list.hasMore.value}
          onMore={list.more}
          tile={170}
          caption={52}
          render={(asset) => (
            <>
              <AssetThumbnail asset={asset} />
              <span class="caption two">
                <span class="text name">{asset.filename}</span>
                <span class="dim">
                  {asset.purpose} · {bytes(asset.size)}
                  <span class="hidden">, {asset.status}</span>
                </span>
              </span>
            </>
          )}
        />
      )}
    </section>
  );
};

interface Sending {
  key: number;
  file: File;
  part: number;
  refused?: Refused;
}

let last = 0;

/** Files that are dropped or chosen become assets, one after the other; those that are refused stay, with why. */
const Adding = ({ client, onAdded }: { client: string | null; onAdded: () => void }) => {
  const id = useId();
  const picture = useSignal<Purpose>("reference");
  const sending = useSignal<readonly Sending[]>([]);
  const put = (key: number, change: Partial<Sending>) => {
    sending.value = sending.value.map((each) => (each.key === key ? { ...each, ...change } : each));
  };
  const drop = (key: number) => {
    sending.value = sending.value.filter((each) => each.key !== key);
  };
  const send = async (files: readonly File[]) => {
    const added = files.map((file) => ({ key: ++last, file, part: 0 }));
    sending.value = [...sending.value.filter((each) => !each.refused), ...added];
    for (const { key, file } of added) {
      const kept = { purpose: purposeOf(file, picture.value), client_id: client };
      try {
        const made = await makeAsset(file, kept, (part) => put(key, { part }));
        drop(key);
        say(`${made.filename} can be generated from.`);
      } catch (failed) {
        put(key, { refused: refusal(failed) });
      }
      onAdded();
    }
  };
  return (
    <div class="panel">
      <div class="row">
        <Choice label="Pictures are for" value={picture.value} options={PURPOSES.slice(0, 3)} onChoose={(value) => (picture.value = value as Purpose)} />
        <span class="gap" />
        <CopyCurl of={() => ({ method: "POST", path: "/api/v3/assets", body: { filename: "product.png", content_type: "image/png", size: 0, sha256: "", purpose: picture.value, client_id: client } })} />
      </div>
      <label class="hidden" for={id}>
        Drop files here, or choose some
      </label>
      <input
        id={id}
        class="drop"
        type="file"
        multiple
        accept="image/png,image/jpeg,image/webp,image/gif,video/*,audio/*"
        onChange={({ currentTarget }) => {
          const files = [...(currentTarget.files ?? [])];
          currentTarget.value = "";
          void send(files);
        }}
      />
      <p class="dim">
        {client ? "They are kept with the client, seen by everybody who sees it, and deleted with it." : "They are kept with your account. A client's are added on the client's own page."} PNG, JPEG, WebP or
        GIF of 30 MB, sounds of 50 MB, films of 200 MB.
      </p>
      {sending.value.length > 0 && (
        <ul class="lines" aria-label="Uploads">
          {sending.value.map((each) => (
            <li key={each.key}>
              <b>{each.file.name}</b>
              <span class="dim">{bytes(each.file.size)}</span>
              {each.refused ? (
                <>
                  <span class="gap" />
                  <Button kind="quiet" icon="close" aria-label={`Dismiss ${each.file.name}`} onClick={() => drop(each.key)} />
                  <Trouble refused={each.refused} />
                </>
              ) : (
                <>
                  <Progress value={each.part} label={`Upload of ${each.file.name}`} />
                  <span class="dim" role="status">
                    {each.part === 0 ? "waiting" : each.part < 1 ? "is uploaded" : "is checked"}
                  </span>
                </>
              )}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
};

/** What a file is for: films and sounds for themselves. */
const purposeOf = ({ type }: File, picture: Purpose): Purpose => {
  const medium = type.split("/", 1)[0];
  return medium === "video" || medium === "audio" ? medium : picture;
};
