// What stands above the items of a list: how many there are, that they are coming, or why they are not.
import { count } from "../format";
import type { Listed } from "../loading";
import { withQuery } from "../requests";
import { CopyCurl, Loading, Trouble } from "./basics";

interface FoundProps {
  list: Pick<Listed<unknown>, "total">;
  path: string;
  query: object;
}

/** For the end of a bar of filters: the request, and how much it finds. */
export const Found = ({ list, path, query }: FoundProps) => (
  <>
    <CopyCurl of={() => ({ path: withQuery(path, query) })} />
    <output class="dim">{list.total.value !== undefined && `${count(list.total.value)} in all`}</output>
  </>
);

interface ComingProps {
  list: Pick<Listed<unknown>, "total" | "error" | "reload">;
  rows?: number;
}

/** Until a list is there. */
export const Coming = ({ list, rows = 6 }: ComingProps) => (
  <>
    <Trouble refused={list.error.value} again={list.reload} />
    {list.total.value === undefined && !list.error.value && <Loading rows={rows} />}
  </>
);
