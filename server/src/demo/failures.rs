//! What goes wrong in the shop, as each language would tell it.

/// A kind of failure: how it looks where it happens and to everybody who called.
#[derive(Debug)]
pub(super) struct Fault {
    /// `exception.type`.
    pub(super) exception: &'static str,
    /// `exception.stacktrace` below the line that holds type and message.
    pub(super) stack: &'static str,
    /// The HTTP status that callers see.
    pub(super) http_status: i64,
    /// The gRPC status that callers see.
    pub(super) grpc_status: i64,
}

/// Something that went wrong.
#[derive(Debug)]
pub(super) struct Failure {
    /// What kind.
    pub(super) fault: &'static Fault,
    /// In words.
    pub(super) message: String,
}

/// Of every step.
pub(super) type Outcome = Result<(), Failure>;

impl Fault {
    /// This fault, in words.
    pub(super) fn because(&'static self, message: impl Into<String>) -> Failure {
        Failure {
            fault: self,
            message: message.into(),
        }
    }
}

impl Failure {
    /// Whether the server is to blame, not its client.
    pub(super) fn is_server_fault(&self) -> bool {
        self.fault.http_status >= 500
    }

    /// The stack trace as its language prints it.
    pub(super) fn stacktrace(&self) -> String {
        let Fault {
            exception, stack, ..
        } = self.fault;
        if stack.starts_with("Traceback") {
            format!("{stack}\n{exception}: {}", self.message)
        } else {
            format!("{exception}: {}\n{stack}", self.message)
        }
    }
}

/// The payment provider does not answer in time.
pub(super) static PROVIDER_TIMEOUT: Fault = Fault {
    exception: "java.net.http.HttpTimeoutException",
    stack: "\tat java.net.http/jdk.internal.net.http.HttpClientImpl.send(HttpClientImpl.java:950)\n\tat java.net.http/jdk.internal.net.http.HttpClientFacade.send(HttpClientFacade.java:133)\n\tat com.example.shop.payment.provider.AcquirerClient.authorize(AcquirerClient.java:84)\n\tat com.example.shop.payment.ChargeService.charge(ChargeService.java:57)\n\tat com.example.shop.payment.ChargeController.post(ChargeController.java:31)\n\tat org.springframework.web.servlet.DispatcherServlet.doDispatch(DispatcherServlet.java:1089)\n\tat org.apache.tomcat.util.threads.ThreadPoolExecutor$Worker.run(ThreadPoolExecutor.java:659)\n\tat java.base/java.lang.Thread.run(Thread.java:1583)\nCaused by: java.io.IOException: no response from acquirer within 3000 ms\n\t... 8 more",
    http_status: 504,
    grpc_status: 4,
};

/// The bank says no: the shopper's problem, not ours.
pub(super) static CARD_DECLINED: Fault = Fault {
    exception: "com.example.shop.payment.CardDeclinedException",
    stack: "\tat com.example.shop.payment.provider.AcquirerClient.authorize(AcquirerClient.java:97)\n\tat com.example.shop.payment.ChargeService.charge(ChargeService.java:57)\n\tat com.example.shop.payment.ChargeController.post(ChargeController.java:31)",
    http_status: 402,
    grpc_status: 9,
};

/// Two reservations locked the same rows in different order.
pub(super) static DEADLOCK: Fault = Fault {
    exception: "psycopg.errors.DeadlockDetected",
    stack: "Traceback (most recent call last):\n  File \"/app/inventory/api.py\", line 88, in reserve\n    await repository.reserve(order_id, lines)\n  File \"/app/inventory/repository.py\", line 141, in reserve\n    await cursor.execute(RESERVE_SQL, (quantity, sku))\n  File \"/usr/local/lib/python3.13/site-packages/psycopg/cursor_async.py\", line 97, in execute\n    raise ex.with_traceback(None)",
    http_status: 503,
    grpc_status: 10,
};

/// Nothing left of a product.
pub(super) static OUT_OF_STOCK: Fault = Fault {
    exception: "inventory.errors.OutOfStock",
    stack: "Traceback (most recent call last):\n  File \"/app/inventory/api.py\", line 88, in reserve\n    await repository.reserve(order_id, lines)\n  File \"/app/inventory/repository.py\", line 152, in reserve\n    raise OutOfStock(sku)",
    http_status: 409,
    grpc_status: 9,
};

/// The search cluster refuses work.
pub(super) static SEARCH_REJECTED: Fault = Fault {
    exception: "*opensearch.RejectedExecutionError",
    stack: "goroutine 4711 [running]:\nshop/catalog/internal/search.(*Client).Query(0xc0003a8000, {0x1a2b3c8, 0xc000d2e1b0})\n\t/src/catalog/internal/search/client.go:118 +0x3f4\nshop/catalog/internal/server.(*Catalog).SearchProducts(0xc00012c0f0, {0x1a2b3c8, 0xc000d2e1b0})\n\t/src/catalog/internal/server/search.go:46 +0x1a5",
    http_status: 503,
    grpc_status: 14,
};

/// The recommendation model meets a product it has never seen.
pub(super) static UNKNOWN_EMBEDDING: Fault = Fault {
    exception: "KeyError",
    stack: "Traceback (most recent call last):\n  File \"/app/recommendation/server.py\", line 61, in list_recommendations\n    scores = model.rank(context, candidates)\n  File \"/app/recommendation/model.py\", line 203, in rank\n    vectors = [self.embeddings[product] for product in candidates]\n               ~~~~~~~~~~~~~~~^^^^^^^^^",
    http_status: 500,
    grpc_status: 13,
};

/// The mail relay hangs up.
pub(super) static SMTP_BUSY: Fault = Fault {
    exception: "Net::SMTPServerBusy",
    stack: "/usr/local/lib/ruby/3.4.0/net/smtp.rb:1068:in 'check_response'\n/usr/local/lib/ruby/3.4.0/net/smtp.rb:1033:in 'getok'\n/app/lib/mailer.rb:48:in 'deliver'\n/app/consumer.rb:27:in 'block in run'",
    http_status: 503,
    grpc_status: 14,
};

/// An image that is none.
pub(super) static BAD_IMAGE: Fault = Fault {
    exception: "Error",
    stack: "    at Sharp.toBuffer (/var/task/node_modules/sharp/lib/output.js:163:17)\n    at resize (/var/task/resize.js:41:24)\n    at async Runtime.handler (/var/task/index.js:19:20)",
    http_status: 500,
    grpc_status: 3,
};
