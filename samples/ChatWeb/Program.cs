using ChatWeb;
using LambdaStreaming;
using LambdaStreaming.Testing;

// A page that shows a function's answer word by word. Without settings: a function on this machine. With --Chat:Function NAME: a real one, with your own AWS credentials
// and region; it gets {"prompt":"…"} and answers with text.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
if (builder.Configuration["urls"] is null) builder.WebHost.UseUrls("http://127.0.0.1:5080");

var function = builder.Configuration["Chat:Function"];
await using var local = function is null ? await LocalLambdaServer.StartAsync(options => options.AddFunction("storyteller", Storyteller.RespondAsync)) : null;

// Someone waits before the screen: give up soon rather than late.
builder.Services.AddSingleton<ILambdaStreamingClient>(_ => local is not null ? local.CreateClient(Impatient) : new LambdaStreamingClient(Configured(Impatient)));

var app = builder.Build();

// Nothing but this page's own files may run or be talked to, so that an answer can never become code.
app.Use((context, next) =>
{
    var headers = context.Response.Headers;
    headers.ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    headers.XContentTypeOptions = "nosniff";
    headers["Referrer-Policy"] = "no-referrer";
    return next(context);
});

app.UseDefaultFiles();
app.UseStaticFiles();

app.MapLambdaStream("/chat", function ?? "storyteller", options =>
{
    options.ContentType = "text/plain; charset=utf-8";
    options.MaxRequestBodyBytes = 64 * 1024;
});

await app.RunAsync();

static void Impatient(LambdaStreamingClientOptions options)
{
    options.ResponseHeadersTimeout = TimeSpan.FromSeconds(30);
    options.IdleTimeout = TimeSpan.FromSeconds(30);
    options.Retry.MaxAttempts = 2;
    options.Retry.MaxDelay = TimeSpan.FromSeconds(1);
}

static LambdaStreamingClientOptions Configured(Action<LambdaStreamingClientOptions> configure)
{
    var options = new LambdaStreamingClientOptions();
    configure(options);
    return options;
}
