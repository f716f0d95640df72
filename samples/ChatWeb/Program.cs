using ChatWeb;
using LambdaStreaming;
using LambdaStreaming.Testing;

// A page that shows a function's response word by word. By default, the function runs on a local server in this
// process. With --Chat:Function NAME, the app invokes a real function with your own AWS credentials and region.
// The function receives {"prompt":"…"} and responds with text.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions
{
    Args = args,
    ContentRootPath = AppContext.BaseDirectory,
});
if (builder.Configuration["urls"] is null) builder.WebHost.UseUrls("http://127.0.0.1:5080");

var function = builder.Configuration["Chat:Function"];
await using var local = function is null
    ? await LocalLambdaServer.StartAsync(options => options.AddFunction("storyteller", Storyteller.RespondAsync))
    : null;

builder.Services.AddSingleton<ILambdaStreamingClient>(_ =>
    local?.CreateClient(SetShortTimeouts) ?? new LambdaStreamingClient(CreateOptions()));

var app = builder.Build();

// Allow only this page's own files, so that text of a response can never run as code.
app.Use((context, next) =>
{
    var headers = context.Response.Headers;
    headers.ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
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

// A user is waiting, so fail early.
static void SetShortTimeouts(LambdaStreamingClientOptions options)
{
    options.ResponseHeadersTimeout = TimeSpan.FromSeconds(30);
    options.IdleTimeout = TimeSpan.FromSeconds(30);
    options.Retry.MaxAttempts = 2;
    options.Retry.MaxDelay = TimeSpan.FromSeconds(1);
}

static LambdaStreamingClientOptions CreateOptions()
{
    var options = new LambdaStreamingClientOptions();
    SetShortTimeouts(options);
    return options;
}
