//! Looking around: home page, product page, search.

use super::super::calls::{Http, Query};
use super::super::failures::{Outcome, SEARCH_REJECTED, UNKNOWN_EMBEDDING};
use super::super::random::Latency;
use super::super::shop::Service;
use super::super::story::{Call, Level, Story};
use super::super::values::attribute;
use super::{PRODUCTS, Shopper, visit};

const CATALOG: &str = "shop.v1.Catalog";

const WORDS: [&str; 12] = [
    "telescope",
    "binoculars",
    "star atlas",
    "solar filter",
    "tripod",
    "lens",
    "eclipse",
    "red light",
    "comet",
    "planetarium",
    "moon map",
    "barlow",
];

/// A read of the catalogue's database.
fn catalog_query(call: &mut Call<'_, '_>, text: &str, latency: Latency) -> Outcome {
    let slower = call.weather().catalog_slowness;
    let query = Query {
        system: "postgresql",
        host: "catalog-db",
        port: 5432,
        namespace: "catalog",
        operation: "SELECT",
        collection: "products",
        text,
    };
    call.query(&query, latency.times(slower))
}

/// The home page: products, recommendations and the cart side by side.
pub(super) fn home(story: &mut Story<'_>, shopper: &Shopper) -> Outcome {
    let request = Http {
        method: "GET",
        route: "/",
        path: "/",
    };
    visit(story, shopper, &request, |storefront| {
        let listed = storefront.fork(|storefront| {
            storefront.grpc(Service::Catalog, CATALOG, "ListProducts", |catalog| {
                catalog.work(Latency::us(500));
                let text = "SELECT sku, name, price_cents, picture FROM products WHERE listed ORDER BY rank LIMIT $1";
                catalog_query(catalog, text, Latency::ms(4))
            })
        });
        recommendations(storefront, shopper);
        let cart = storefront.fork(|storefront| cart_badge(storefront, shopper));
        storefront.join();
        listed.and(cart)?;
        storefront.internal("render /", |render| {
            render.set("shop.template", "home");
            render.work(Latency::ms(7));
            Ok(())
        })
    })
}

/// A product page. The catalogue asks for related products, and is asked back what they are.
pub(super) fn product(story: &mut Story<'_>, shopper: &Shopper) -> Outcome {
    let product = shopper.product;
    let path = format!("/products/{}", product.sku);
    let request = Http {
        method: "GET",
        route: "/products/{sku}",
        path: &path,
    };
    visit(story, shopper, &request, |storefront| {
        let details = storefront.fork(|storefront| {
            storefront.grpc(Service::Catalog, CATALOG, "GetProduct", |catalog| {
                catalog.set("shop.product.sku", product.sku);
                let text = "SELECT sku, name, description, price_cents, picture FROM products WHERE sku = $1";
                catalog_query(catalog, text, Latency::us(1800))?;
                related(catalog, shopper);
                catalog.log(
                    Level::Debug,
                    format!("product {} ({}) served", product.sku, product.name),
                    vec![attribute("shop.product.sku", product.sku)],
                );
                Ok(())
            })
        });
        let price = storefront.fork(|storefront| price(storefront, shopper));
        let stock = storefront.fork(|storefront| {
            let path = format!("/stock/{}", product.sku);
            stock(storefront, &path)
        });
        storefront.join();
        details.and(price).and(stock)?;
        storefront.internal("render /products/{sku}", |render| {
            render.set("shop.template", "product");
            render.work(Latency::ms(5));
            Ok(())
        })
    })
}

/// catalog → recommendation → catalog: the cycle that every shop grows sooner or later.
fn related(catalog: &mut Call<'_, '_>, shopper: &Shopper) {
    let sku = shopper.product.sku;
    let outcome = catalog.grpc(
        Service::Recommendation,
        "shop.v1.Recommendation",
        "ListRelated",
        |recommendation| {
            recommendation.set("shop.product.sku", sku);
            recommendation.work(Latency::ms(6));
            let count = recommendation.dice().between(3, 9);
            recommendation.set("shop.related.count", count);
            recommendation.grpc(Service::Catalog, CATALOG, "GetProducts", |catalog| {
                let text =
                    "SELECT sku, name, price_cents, picture FROM products WHERE sku = ANY($1)";
                catalog_query(catalog, text, Latency::ms(2))
            })
        },
    );
    if let Err(failure) = outcome {
        catalog.log_failure("related products left out", &failure);
    }
}

/// Recommendations are nice to have: when they fail, the page goes out without them.
fn recommendations(storefront: &mut Call<'_, '_>, shopper: &Shopper) {
    let outcome = storefront.fork(|storefront| {
        storefront.grpc(
            Service::Recommendation,
            "shop.v1.Recommendation",
            "ListRecommendations",
            |recommendation| {
                recommendation.set("enduser.id", shopper.user_id.as_str());
                recommendation.internal("rank", |rank| {
                    rank.set("shop.model.version", "2026-11-02");
                    rank.work(Latency::ms(9));
                    if rank.dice().chance(0.015) {
                        let sku = rank.dice().hex::<5>().to_uppercase();
                        let failure = UNKNOWN_EMBEDDING.because(format!("'{sku}'"));
                        rank.log_failure("ranking failed", &failure);
                        rank.fail(&failure.message);
                        return rank.raise(failure);
                    }
                    Ok(())
                })
            },
        )
    });
    if outcome.is_err() {
        storefront.log(
            Level::Warn,
            "recommendations unavailable, page is served without them",
            vec![attribute("enduser.id", shopper.user_id.as_str())],
        );
    }
}

/// How many things are in the cart, for the number on its picture.
fn cart_badge(storefront: &mut Call<'_, '_>, shopper: &Shopper) -> Outcome {
    let path = format!("/carts/{}/count", shopper.user_id);
    let request = Http {
        method: "GET",
        route: "/carts/{user}/count",
        path: &path,
    };
    storefront.http(Service::Cart, &request, |cart| {
        let text = format!("HLEN cart:{}", shopper.user_id);
        let query = super::buy::redis("HLEN", &text);
        cart.query(&query, Latency::us(350))
    })
}

/// The price in the shopper's currency.
fn price(storefront: &mut Call<'_, '_>, shopper: &Shopper) -> Outcome {
    let path = format!(
        "/prices/{}?currency={}",
        shopper.product.sku, shopper.currency
    );
    let request = Http {
        method: "GET",
        route: "/prices/{sku}",
        path: &path,
    };
    storefront.http(Service::Pricing, &request, |pricing| {
        pricing.set("shop.currency", shopper.currency);
        let hit = pricing.dice().chance(0.85);
        pricing.set("cache.hit", hit);
        let text = format!("GET rate:EUR:{}", shopper.currency);
        pricing.query(&super::buy::redis("GET", &text), Latency::us(300))?;
        if !hit {
            pricing.partner(
                "GET",
                "rates.bank.example",
                "/v1/latest?base=EUR",
                |rates| {
                    rates.work(Latency::ms(48));
                    Ok(())
                },
            )?;
            let body = format!("exchange rate EUR/{} refreshed", shopper.currency);
            pricing.log(
                Level::Info,
                body,
                vec![attribute("shop.currency", shopper.currency)],
            );
        }
        pricing.work(Latency::us(400));
        Ok(())
    })
}

/// How many are left.
pub(super) fn stock(caller: &mut Call<'_, '_>, path: &str) -> Outcome {
    let request = Http {
        method: "GET",
        route: "/stock/{sku}",
        path,
    };
    caller.http(Service::Inventory, &request, |inventory| {
        let query = Query {
            system: "postgresql",
            host: "inventory-db",
            port: 5432,
            namespace: "inventory",
            operation: "SELECT",
            collection: "stock",
            text: "SELECT sum(quantity) FROM stock WHERE sku = %s",
        };
        inventory.query(&query, Latency::us(1500))
    })
}

/// Search. One shopper in eight meets the page that asks for each result one by one.
pub(super) fn search(story: &mut Story<'_>, shopper: &Shopper) -> Outcome {
    let words = story.dice.pick(&WORDS);
    let one_by_one = story.dice.chance(0.12);
    let path = format!("/search?q={}", words.replace(' ', "+"));
    let request = Http {
        method: "GET",
        route: "/search",
        path: &path,
    };
    visit(story, shopper, &request, |storefront| {
        storefront.grpc(Service::Catalog, CATALOG, "SearchProducts", |catalog| {
            catalog.set("shop.search.query", words);
            search_index(catalog, words)?;
            if one_by_one {
                let hits = catalog.dice().between(8, 22);
                for _ in 0..hits {
                    let text = "SELECT sku, name, price_cents FROM products WHERE sku = $1";
                    catalog_query(catalog, text, Latency::us(1500))?;
                }
                return Ok(());
            }
            let text = "SELECT sku, name, price_cents FROM products WHERE sku = ANY($1)";
            catalog_query(catalog, text, Latency::ms(3))
        })
    })
}

fn search_index(catalog: &mut Call<'_, '_>, words: &str) -> Outcome {
    let weather = catalog.weather();
    let text = format!("{{\"query\":{{\"match\":{{\"text\":\"{words}\"}}}}}}");
    let query = Query {
        system: "opensearch",
        host: "search",
        port: 9200,
        namespace: "",
        operation: "search",
        collection: "products-v7",
        text: &text,
    };
    let hits = catalog.dice().between(0, 60);
    let latency = Latency::ms(14).times(weather.catalog_slowness);
    catalog.query_then(&query, latency, |search| {
        if search.dice().chance(weather.search_rejected) {
            let failure = SEARCH_REJECTED.because(
                "429 Too Many Requests: rejected execution of search, queue capacity 1000",
            );
            search.log_failure("search rejected by the cluster", &failure);
            return search.raise(failure);
        }
        search.set("db.response.returned_rows", hits);
        Ok(())
    })?;
    let examples: Vec<&str> = PRODUCTS.iter().take(3).map(|product| product.sku).collect();
    catalog.log(
        Level::Info,
        format!("search for \"{words}\" found {hits} products"),
        vec![
            attribute("shop.search.query", words),
            attribute("shop.search.hits", hits),
            attribute("shop.search.promoted", examples),
        ],
    );
    Ok(())
}
