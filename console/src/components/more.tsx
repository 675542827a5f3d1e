// The end of a list that goes on: asks for the next page when it comes into view, or when it is pressed.
import { useEffect, useRef } from "preact/hooks";
import { Button } from "./basics";

interface MoreProps {
  isLoading: boolean;
  onMore: () => void;
}

export const More = ({ isLoading, onMore }: MoreProps) => {
  const element = useRef<HTMLDivElement>(null);
  const latest = useRef(onMore);
  latest.current = onMore;
  useEffect(() => {
    if (isLoading) return undefined;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && latest.current(), { rootMargin: "400px" });
    if (element.current) observer.observe(element.current);
    return () => observer.disconnect();
  }, [isLoading]);
  return (
    <div ref={element} class="more">
      <Button busy={isLoading} onClick={onMore}>
        Show more
      </Button>
    </div>
  );
};
