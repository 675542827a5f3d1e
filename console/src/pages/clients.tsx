import { useSignal } from "@preact/signals";
import { api, ok } from "../api";
import { Button, Choice, Empty, Icon, Search, Time } from "../components/basics";
import { ClientForm } from "../components/forms";
import { Grid } from "../components/grid";
import { Coming, Found } from "../components/listed";
import { Mosaic } from "../components/mosaic";
import { Page } from "../components/page";
import { useListed } from "../loading";
import { place, setQuery, to } from "../router";
import { isShared, mayCreate, received } from "../session";

const ORDERS = [
  ["", "Newest first"],
  ["updated_at", "Last changed first"],
  ["name", "By name"],
] as const;
const OWNERS = [
  ["", "All"],
  ["me", "Mine"],
  ["shared", "Shared with me"],
] as const;

export const Clients = () => {
  const filters = place.value.query;
  const isNew = useSignal(false);
  const search = filters.get("search");
  const order = filters.get("order") as "name" | "updated_at" | null;
  const owner = filters.get("owner");
  const query = {
    page_size: 50,
    ...(search ? { search } : {}),
    ...(order ? { sort_by: order } : {}),
    ...(owner ? { owner } : {}),
  };
  const list = useListed(JSON.stringify(query), async (cursor) =>
    ok(await api.GET("/api/v3/clients", { params: { query: cursor ? { ...query, cursor } : query } })),
  );
  const create = mayCreate.value && (
    <Button kind="primary" icon="plus" onClick={() => (isNew.value = true)}>
      New client
    </Button>
  );
  return (
    <Page title="Clients" actions={create}>
      <div class="filters">
        <Search label="Search names" value={search ?? ""} onSearch={(text) => setQuery({ search: text })} />
        <Choice label="Order" value={order ?? ""} options={ORDERS} onChoose={(value) => setQuery({ order: value })} />
        {received.value.length > 0 && (
          <Choice label="Owner" value={owner ?? ""} options={OWNERS} onChoose={(value) => setQuery({ owner: value })} />
        )}
        <span class="found">
          <Found list={list} path="/api/v3/clients" query={query} />
        </span>
      </div>
      <Coming list={list} />
      {list.total.value === 0 &&
        (search || owner ? (
          <Empty title="No client fits">
            <Button onClick={() => setQuery({ search: "", owner: "" })}>Show all clients</Button>
          </Empty>
        ) : (
          <Empty title="No clients yet">
            <p>A client has campaigns, and guidelines that go into every prompt. {!mayCreate.value && "Your role lets you look, not create."}</p>
            {create}
            {mayCreate.value && <a href={to("/imports")}>Import a file of clients</a>}
          </Empty>
        ))}
      {list.items.value.length > 0 && (
        <Grid
          label="Clients"
          items={list.items.value}
          keyOf={(client) => client.id}
          hrefOf={(client) => to(`/clients/${client.id}`)}
          hasMore={list.hasMore.value}
          onMore={list.more}
          tile={220}
          caption={70}
          render={(client) => (
            <>
              <Mosaic of={{ client_id: client.id }} />
              <span class="caption two">
                <span class="text name">{client.name}</span>
                <span class="dim">
                  {isShared(client) && (
                    <>
                      <Icon name="people" /> shared ·{" "}
                    </>
                  )}
                  changed <Time at={client.updated_at} />
                </span>
              </span>
            </>
          )}
        />
      )}
      {isNew.value && <ClientForm onClose={() => (isNew.value = false)} />}
    </Page>
  );
};
