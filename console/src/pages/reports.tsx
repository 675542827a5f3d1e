import { Empty } from "../components/basics";
import { Page } from "../components/page";

export const Reports = () => (
  <Page title="Reports">
    <Empty title="Not here yet" />
  </Page>
);
