;; world: proxy
;; Grows its table until it is refused, and then answers.
(module
  ;; include: respond.part
  (table $table 1 funcref)
  (data (i32.const 1024) "table growth refused\n")
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (loop $grow
      (br_if $grow
        (i32.ne (table.grow $table (ref.null func) (i32.const 65536)) (i32.const -1))))
    (call $respond (local.get $out) (i32.const 1024) (i32.const 21))))
