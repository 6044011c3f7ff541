//! Who works in the shop: services, their languages and where they run.

use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::values::attribute;

/// Every service that exports telemetry. Databases and partners are seen only through clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Service {
    Gateway,
    Storefront,
    Catalog,
    Recommendation,
    Pricing,
    Cart,
    Checkout,
    Payment,
    Inventory,
    Shipping,
    OrderWorker,
    Email,
    ImageResizer,
}

/// The part of a service that makes a span; each has an instrumentation scope of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Layer {
    Server,
    Client,
    Database,
    Messaging,
    App,
}

/// A language with its SDK's version, its runtime and its instrumentation scopes.
#[derive(Debug)]
pub(super) struct Language {
    pub(super) name: &'static str,
    sdk_version: &'static str,
    runtime: (&'static str, &'static str),
    scopes: [&'static str; 5],
    levels: [&'static str; 4],
}

/// What does not change about a service.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) name: &'static str,
    /// Of the team that has it; they all run in one Kubernetes namespace.
    namespace: &'static str,
    pub(super) language: &'static Language,
    version: &'static str,
    /// How many instances run; they differ in pod, host and instance id.
    pub(super) pods: u8,
    /// Where HTTP clients of the cluster reach it.
    pub(super) port: i64,
}

static GO: Language = Language {
    name: "go",
    sdk_version: "1.38.0",
    runtime: ("go", "go1.25.1"),
    scopes: [
        "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc",
        "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp",
        "github.com/XSAM/otelsql",
        "github.com/dnwe/otelsarama",
        "shop/internal/telemetry",
    ],
    levels: ["debug", "info", "warn", "error"],
};

static NODE: Language = Language {
    name: "nodejs",
    sdk_version: "2.1.0",
    runtime: ("nodejs", "22.19.0"),
    scopes: [
        "@opentelemetry/instrumentation-http",
        "@opentelemetry/instrumentation-undici",
        "@opentelemetry/instrumentation-pg",
        "@opentelemetry/instrumentation-kafkajs",
        "shop",
    ],
    levels: ["debug", "info", "warn", "error"],
};

static JAVA: Language = Language {
    name: "java",
    sdk_version: "1.54.0",
    runtime: ("OpenJDK Runtime Environment", "21.0.8+9"),
    scopes: [
        "io.opentelemetry.tomcat-10.0",
        "io.opentelemetry.java-http-client",
        "io.opentelemetry.jdbc",
        "io.opentelemetry.kafka-clients-0.11",
        "com.example.shop",
    ],
    levels: ["DEBUG", "INFO", "WARN", "ERROR"],
};

static PYTHON: Language = Language {
    name: "python",
    sdk_version: "1.37.0",
    runtime: ("cpython", "3.13.7"),
    scopes: [
        "opentelemetry.instrumentation.fastapi",
        "opentelemetry.instrumentation.httpx",
        "opentelemetry.instrumentation.psycopg",
        "opentelemetry.instrumentation.aiokafka",
        "shop",
    ],
    levels: ["DEBUG", "INFO", "WARNING", "ERROR"],
};

static DOTNET: Language = Language {
    name: "dotnet",
    sdk_version: "1.12.0",
    runtime: (".NET", "9.0.9"),
    scopes: [
        "Microsoft.AspNetCore",
        "System.Net.Http",
        "OpenTelemetry.Instrumentation.StackExchangeRedis",
        "Confluent.Kafka",
        "Shop",
    ],
    levels: ["Debug", "Information", "Warning", "Error"],
};

static RUST: Language = Language {
    name: "rust",
    sdk_version: "0.31.0",
    runtime: ("rustc", "1.90.0"),
    scopes: [
        "axum-tracing",
        "reqwest-tracing",
        "sqlx",
        "rdkafka",
        "shipping",
    ],
    levels: ["DEBUG", "INFO", "WARN", "ERROR"],
};

static RUBY: Language = Language {
    name: "ruby",
    sdk_version: "1.10.0",
    runtime: ("ruby", "3.4.5"),
    scopes: [
        "OpenTelemetry::Instrumentation::Rack",
        "OpenTelemetry::Instrumentation::Faraday",
        "OpenTelemetry::Instrumentation::PG",
        "OpenTelemetry::Instrumentation::RdKafka",
        "email",
    ],
    levels: ["DEBUG", "INFO", "WARN", "ERROR"],
};

const fn facts(
    name: &'static str,
    namespace: &'static str,
    language: &'static Language,
    version: &'static str,
    pods: u8,
    port: i64,
) -> Facts {
    Facts {
        name,
        namespace,
        language,
        version,
        pods,
        port,
    }
}

static FACTS: [Facts; 13] = [
    facts("gateway", "front", &GO, "3.8.1", 2, 8080),
    facts("storefront", "front", &NODE, "2026.11.3", 3, 3000),
    facts("catalog", "goods", &GO, "1.42.0", 2, 9555),
    facts("recommendation", "goods", &PYTHON, "0.19.2", 2, 9090),
    facts("pricing", "goods", &DOTNET, "4.2.0", 2, 7080),
    facts("cart", "orders", &DOTNET, "5.1.7", 2, 7070),
    facts("checkout", "orders", &GO, "2.11.4", 2, 5050),
    facts("payment", "orders", &JAVA, "6.0.3", 3, 8443),
    facts("inventory", "goods", &PYTHON, "1.7.0", 2, 8001),
    facts("shipping", "orders", &RUST, "0.8.0", 1, 6001),
    facts("order-worker", "orders", &JAVA, "6.0.3", 2, 0),
    facts("email", "orders", &RUBY, "1.3.9", 1, 0),
    facts("image-resizer", "front", &NODE, "2026.10.1", 1, 0),
];

impl Service {
    /// Its facts.
    pub(super) fn facts(self) -> &'static Facts {
        &FACTS[self as usize]
    }
}

impl Language {
    /// The instrumentation scope of a layer.
    pub(super) fn scope(&self, layer: Layer) -> InstrumentationScope {
        let name = self.scopes[layer as usize];
        // Libraries are versioned with their SDK closely enough for a picture of them.
        InstrumentationScope {
            name: name.to_owned(),
            version: self.sdk_version.to_owned(),
            ..InstrumentationScope::default()
        }
    }

    /// How loggers of this language spell a level.
    pub(super) fn level(&self, level: super::story::Level) -> &'static str {
        self.levels[level as usize]
    }
}

/// The resource of one instance of a service, by the semantic conventions.
pub(super) fn resource(service: Service, pod: u8) -> Resource {
    let facts = service.facts();
    let language = facts.language;
    let mut attributes = vec![
        attribute("service.name", facts.name),
        attribute("service.version", facts.version),
        attribute("service.namespace", facts.namespace),
        attribute("deployment.environment.name", "demo"),
        attribute("telemetry.sdk.name", "opentelemetry"),
        attribute("telemetry.sdk.language", language.name),
        attribute("telemetry.sdk.version", language.sdk_version),
        attribute("process.runtime.name", language.runtime.0),
        attribute("process.runtime.version", language.runtime.1),
        attribute("cloud.region", "eu-central-1"),
    ];
    if service == Service::ImageResizer {
        attributes.extend(function_attributes(facts));
    } else {
        attributes.extend(pod_attributes(facts, service, pod));
    }
    Resource {
        attributes,
        ..Resource::default()
    }
}

fn function_attributes(facts: &Facts) -> Vec<KeyValue> {
    vec![
        attribute("cloud.provider", "aws"),
        attribute("cloud.platform", "aws_lambda"),
        attribute("faas.name", facts.name),
        attribute("faas.version", "17"),
        attribute("faas.max_memory", 1_073_741_824_i64),
    ]
}

fn pod_attributes(facts: &Facts, service: Service, pod: u8) -> Vec<KeyValue> {
    let name = facts.name;
    // Pod names look random but must not change between runs: they are the instances' identity.
    let code = 0x2c9d_u32.wrapping_mul(service as u32 * 31 + u32::from(pod) + 7) & 0xfffff;
    let pod_name = format!("{name}-6f7d9c{:03x}-{code:05x}", (service as u32 + 1) * 37);
    let node = (service as u8 + pod * 5) % 3 + 1;
    vec![
        attribute("service.instance.id", format!("{pod_name}/{name}")),
        attribute("k8s.cluster.name", "shop-eu"),
        attribute("k8s.namespace.name", "shop"),
        attribute("k8s.deployment.name", name),
        attribute("k8s.pod.name", pod_name.as_str()),
        attribute("k8s.container.name", name),
        attribute("k8s.node.name", format!("node-{node}")),
        attribute("host.name", format!("node-{node}")),
        attribute("host.arch", "amd64"),
        attribute("os.type", "linux"),
        attribute(
            "container.image.name",
            format!("registry.example/shop/{name}"),
        ),
        attribute("container.image.tags", vec![facts.version]),
        attribute("process.pid", i64::from(pod) + 1),
    ]
}
