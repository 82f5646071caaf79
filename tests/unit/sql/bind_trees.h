/* bind_trees.h -- statements with the names of their results and their trees. */
static const char *const trees[][3] = {
    {"SELECT 1",
     "1",
     "map #0 = 1\n"
     "  values x1\n"},
    {"SELECT a, c + 1 AS x FROM t WHERE a > 1 AND b = 'x'",
     "a,x",
     "map #3 = #2 + 1\n"
     "  filter #0 > 1 AND #1 COLLATE NOCASE = 'x'\n"
     "    scan t #0..\n"},
    {"SELECT * FROM t, u WHERE t.a = u.a",
     "a,b,c,a,d",
     "filter #0 = #3\n"
     "  inner join\n"
     "    scan t #0..\n"
     "    scan u #3..\n"},
    {"SELECT * FROM t LEFT JOIN u USING (a)",
     "a,b,c,d",
     "left join #0 = #3\n"
     "  scan t #0..\n"
     "  scan u #3..\n"},
    {"SELECT * FROM t RIGHT JOIN u ON t.a = u.d AND u.d > 3",
     "a,b,c,a,d",
     "left join #0 = #4 AND #4 > 3\n"
     "  scan u #3..\n"
     "  scan t #0..\n"},
    {"SELECT * FROM t FULL JOIN u USING (a)",
     "a,b,c,d",
     "map #5 = coalesce(#0, #3)\n"
     "  full join #0 = #3\n"
     "    scan t #0..\n"
     "    scan u #3..\n"},
    {"SELECT t.a FROM t LEFT JOIN u ON t.a = u.a AND EXISTS (SELECT 1 FROM h)",
     "a",
     "left join #0 = #3 AND #8\n"
     "  scan t #0..\n"
     "  apply exists #8\n"
     "    scan u #3..\n"
     "    map #7 = 1\n"
     "      scan h #5..\n"},
    {"SELECT a, sum(c) FROM t GROUP BY a HAVING count(*) > 2 ORDER BY 2 DESC",
     "a,sum(c)",
     "sort #4 desc\n"
     "  filter #3 > 2\n"
     "    aggregate by #0; #3 = count_rows(); #4 = sum(#2)\n"
     "      scan t #0..\n"},
    {"SELECT a + 1, max(c), b FROM t GROUP BY a + 1",
     "a + 1,max(c),b",
     "aggregate by #3; #4 = max(#2); #5 = bare(#1)\n"
     "  map #3 = #0 + 1\n"
     "    scan t #0..\n"},
    {"SELECT B, count(*) FROM t GROUP BY 1",
     "b,count(*)",
     "aggregate by #1; #3 = count_rows()\n"
     "  scan t #0..\n"},
    {"SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.a = t.a)",
     "a",
     "filter #6\n"
     "  apply exists #6\n"
     "    scan t #0..\n"
     "    map #5 = 1\n"
     "      filter #3 = #0\n"
     "        scan u #3..\n"},
    {"SELECT a FROM t WHERE a NOT IN (SELECT d FROM u)",
     "a",
     "filter NOT #5\n"
     "  apply in #5\n"
     "    scan t #0..\n"
     "    scan u #3..\n"},
    {"SELECT (SELECT max(d) FROM u WHERE u.a = t.a) FROM t GROUP BY a",
     "(SELECT max(d) FROM u WHERE u.a = t.a)",
     "apply scalar #6\n"
     "  aggregate by #0\n"
     "    scan t #0..\n"
     "  aggregate; #5 = max(#4)\n"
     "    filter #3 = #0\n"
     "      scan u #3..\n"},
    {"SELECT sum((SELECT d FROM u WHERE u.a = t.a LIMIT 1)) FROM t",
     "sum((SELECT d FROM u WHERE u.a = t.a LIMIT 1))",
     "aggregate; #6 = sum(#5)\n"
     "  apply scalar #5\n"
     "    scan t #0..\n"
     "    filter #3 = #0\n"
     "      scan u #3..\n"},
    {"SELECT DISTINCT b FROM t ORDER BY b COLLATE BINARY LIMIT 3 OFFSET 1",
     "b",
     "limit\n"
     "  sort #1\n"
     "    aggregate by #1\n"
     "      scan t #0..\n"},
    {"SELECT m FROM v WHERE n = 1",
     "m",
     "filter #0 = 1\n"
     "  aggregate by #0; #3 = count_rows()\n"
     "    scan t #0..\n"},
    {"SELECT x.n FROM v x JOIN v y ON x.n = y.m",
     "n",
     "filter #4 = #7\n"
     "  inner join\n"
     "    shared v #4, #5\n"
     "    shared v #6, #7\n"},
    {"WITH w AS (SELECT a FROM t) SELECT count(*) FROM w",
     "count(*)",
     "aggregate; #3 = count_rows()\n"
     "  scan t #0..\n"},
    {"WITH w AS (SELECT a FROM t) SELECT p.a FROM w p, w q",
     "a",
     "inner join\n"
     "  shared w #3\n"
     "  shared w #4\n"},
    {"SELECT a FROM t UNION SELECT a FROM u UNION ALL SELECT d FROM u ORDER BY a",
     "a",
     "sort #8\n"
     "  union all #8\n"
     "    aggregate by #7\n"
     "      union all #7\n"
     "        scan t #0..\n"
     "        scan u #3..\n"
     "    scan u #5..\n"},
    {"SELECT a, a FROM t EXCEPT SELECT a, d FROM u",
     "a,a",
     "except #5, #6\n"
     "  scan t #0..\n"
     "  scan u #3..\n"},
    {"VALUES (1, 'x'), (2, NULL)",
     "column1,column2",
     "values x2 #0, #1\n"},
    {"SELECT rank() OVER w, sum(a) OVER w, count(*) OVER () FROM t "
     "WINDOW w AS (PARTITION BY b ORDER BY c + 1)",
     "rank() OVER w,sum(a) OVER w,count(*) OVER ()",
     "window #5\n"
     "  window #3, #4\n"
     "    map #6 = #2 + 1\n"
     "      scan t #0..\n"},
    {"SELECT * FROM (SELECT a AS p, A, a FROM t ORDER BY c) LIMIT 2",
     "p,A,a:1",
     "limit\n"
     "  sort #2\n"
     "    scan t #0..\n"},
    {"SELECT a FROM t WHERE (a, c) = (SELECT a, d FROM u)",
     "a",
     "filter #0 = #5 AND #2 = #8\n"
     "  apply scalar #8\n"
     "    apply scalar #5\n"
     "      scan t #0..\n"
     "      scan u #3..\n"
     "    scan u #6..\n"},
};
